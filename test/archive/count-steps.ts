/** The steps of a process that kills itself at one of them. */
export interface Steps {
  /** The same function with a step before and a step after it. */
  around<Args extends unknown[], Result>(
    run: (...args: Args) => Promise<Result>,
  ): (...args: Args) => Promise<Result>;
  /** The number of steps so far. */
  readonly taken: number;
}

/** Counts steps; at step number `killAt` this process kills itself. */
export function countSteps(killAt: number): Steps {
  let taken = 0;
  const step = (): void => {
    taken++;
    if (taken === killAt) process.kill(process.pid, 'SIGKILL');
  };
  return {
    around:
      (run) =>
      async (...args) => {
        step();
        const result = await run(...args);
        step();
        return result;
      },
    get taken() {
      return taken;
    },
  };
}
