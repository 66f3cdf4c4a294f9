/** What was found of one thing that the guarantees need. */
export interface Finding {
  /** `fail`: a promise cannot be kept. `warn`: it can, but know this. */
  readonly verdict: 'ok' | 'warn' | 'fail';
  readonly what: string;
  /** What is so, and what to do where it should not be. */
  readonly text: string;
}

export interface Installation {
  readonly prefix: string;
  readonly shards: number;
  /** The clock of this machine, ms since 1970. */
  readonly localTimeMs: () => number;
}
