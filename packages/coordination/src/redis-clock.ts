/** What is known of the clock of Redis without asking it: signed times come from it. */
export interface RedisClock {
  /** The clock of Redis, ms, or a little before: never after, unless it was set back. 0 before anything was learned. */
  nowMs(): number;
  /** Learns what it said in a reply that has just come. */
  learn(ms: number): void;
}

/** @param elapsedMs a clock that only goes forward, as `performance.now`. */
export function createRedisClock(elapsedMs: () => number): RedisClock {
  let known: { readonly ms: number; readonly atMs: number } | undefined;
  return {
    nowMs: () => (known === undefined ? 0 : Math.floor(known.ms + elapsedMs() - known.atMs)),
    learn(ms) {
      known = { ms, atMs: elapsedMs() };
    },
  };
}
