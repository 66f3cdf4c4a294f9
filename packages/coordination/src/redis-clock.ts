/** An estimate of the clock of Redis without asking it: the source of signed times. */
export interface RedisClock {
  /** The clock of Redis, ms, or slightly earlier: never later, unless it was set back. 0 before the first reply. */
  nowMs(): number;
  /** Takes the time of a reply that has just arrived. */
  learn(ms: number): void;
}

/** @param elapsedMs a monotonic clock, such as `performance.now`. */
export function createRedisClock(elapsedMs: () => number): RedisClock {
  let known: { readonly ms: number; readonly atMs: number } | undefined;
  return {
    nowMs: () => (known === undefined ? 0 : Math.floor(known.ms + elapsedMs() - known.atMs)),
    learn(ms) {
      known = { ms, atMs: elapsedMs() };
    },
  };
}
