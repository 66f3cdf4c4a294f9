import { toError } from '@streamfold/redis';

/** Something that runs until its signal is aborted, or it fails. */
export type Actor = (stop: AbortSignal) => Promise<void>;

/**
 * Runs all actors until the first of them ends or `stop` is aborted, then stops the others and waits for them.
 *
 * @param deadlineMs how long they may take to stop.
 * @throws the first failure of an actor; an error if not all have stopped by the deadline.
 */
export async function runGroup(
  actors: readonly Actor[],
  stop: AbortSignal,
  deadlineMs: number,
): Promise<void> {
  const group = new AbortController();
  const interrupt = (): void => group.abort();
  if (stop.aborted) interrupt();
  stop.addEventListener('abort', interrupt, { once: true });
  let failure: unknown;
  const running = actors.map(async (actor) => {
    try {
      await actor(group.signal);
    } catch (error) {
      failure ??= error;
    } finally {
      interrupt();
    }
  });
  const all = Promise.all(running);
  await new Promise<void>((resolve) => {
    if (group.signal.aborted) resolve();
    group.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  stop.removeEventListener('abort', interrupt);
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), deadlineMs);
  });
  const ended = await Promise.race([all, deadline]);
  clearTimeout(timer);
  if (failure !== undefined) throw toError(failure);
  if (ended === 'late') throw new Error(`expected all parts to stop within ${deadlineMs} ms; some have not`);
}
