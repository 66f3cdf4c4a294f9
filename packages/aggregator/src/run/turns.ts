/**
 * Runs `work` one turn at a time. All who ask while a turn is under way share the next one, since the present one may
 * already have passed what they want to see.
 */
export function createTurns<T>(work: () => Promise<T>): () => Promise<T> {
  let current: Promise<void> = Promise.resolve();
  let next: Promise<T> | undefined;
  return () => {
    next ??= current.then(() => {
      next = undefined;
      const turn = work();
      // Without its value: what a turn gave may be large, and belongs to those who asked.
      current = turn.then(ignore, ignore);
      return turn;
    });
    return next;
  };
}

function ignore(): void {}
