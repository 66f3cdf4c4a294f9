/**
 * Runs `work` one turn at a time. All who ask while a turn is under way share the next one, since the present one may
 * already have passed what they want to see.
 */
export function createTurns<T>(work: () => Promise<T>): () => Promise<T> {
  let current: Promise<unknown> = Promise.resolve();
  let next: Promise<T> | undefined;
  return () => {
    next ??= current
      .catch(() => undefined)
      .then(() => {
        next = undefined;
        const turn = work();
        current = turn;
        return turn;
      });
    return next;
  };
}
