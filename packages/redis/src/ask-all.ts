/** Commands that are sent on one connection without waiting for earlier replies: few round trips for many shards. */
const AT_ONCE = 256;

/**
 * Asks for all items at once, some hundred in flight, and gives the answers in the order of the items. With 1,024 shards
 * on a Redis a millisecond away, that is some milliseconds rather than seconds.
 *
 * Waits for all of them, even if one fails: nothing is still in flight afterwards.
 *
 * @param atOnce how many are in flight at most; fewer if an answer is large.
 * @throws the failure of the first item that failed.
 */
export async function askAll<T, Answer>(
  items: Iterable<T>,
  ask: (item: T) => Promise<Answer>,
  atOnce = AT_ONCE,
): Promise<Answer[]> {
  const all = [...items];
  const answers: PromiseSettledResult<Answer>[] = [];
  const left = all.entries();
  const askOn = async (): Promise<void> => {
    for (const [index, item] of left) {
      const [answer] = await Promise.allSettled([ask(item)]);
      answers[index] = answer;
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, all.length) }, askOn));
  return answers.map((answer) => {
    if (answer.status === 'rejected') throw answer.reason;
    return answer.value;
  });
}
