import { setImmediate } from 'node:timers/promises';

/** Divides long work, so that the process does other things in between. */
export interface Slices {
  /**
   * True if the present slice has taken its time: it is then time to `await next()`. Cheap.
   *
   * @param steps small steps of work since the last question.
   */
  isOver(steps: number): boolean;
  /** Lets other work run, and begins the next slice. */
  next(): Promise<void>;
  /** Time in all slices so far, ms. */
  readonly spentMs: number;
}

/**
 * A slice takes this long, ms: an event loop that is late by that is not noticed. The next slice has to wait for all other
 * work of the process, so shorter ones would make the whole take much longer in a busy process.
 */
const SLICE_MS = 20;
/** The clock is read after this number of steps, each of some microseconds: even if the process hardly runs, a slice does this much. */
const LEAST_STEPS = 512;

/** @param now monotonic clock, ms. */
export function createSlices(now: () => number): Slices {
  let startedMs = now();
  let spentMs = 0;
  let taken = 0;
  return {
    isOver(steps) {
      taken += steps;
      if (taken < LEAST_STEPS) return false;
      taken = 0;
      return now() - startedMs >= SLICE_MS;
    },
    async next() {
      spentMs += now() - startedMs;
      await setImmediate();
      startedMs = now();
    },
    get spentMs() {
      return spentMs + now() - startedMs;
    },
  };
}
