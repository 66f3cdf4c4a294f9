/**
 * Runs `work` one turn at a time. All callers during a turn share the next one, because the current one may already have
 * passed what they want to see.
 */
export function createTurns<T>(work: () => Promise<T>): () => Promise<T> {
  let current: Promise<void> = Promise.resolve();
  let next: Promise<T> | undefined;
  return () => {
    next ??= current.then(() => {
      next = undefined;
      const turn = work();
      // Without its value: the result of a turn may be large, and belongs to its callers.
      current = turn.then(ignore, ignore);
      return turn;
    });
    return next;
  };
}

function ignore(): void {}
