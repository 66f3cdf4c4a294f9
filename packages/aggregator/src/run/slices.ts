import { setImmediate } from 'node:timers/promises';

/** Divides long work, so that the process does other things in between. */
export interface Slices {
  /** True if the present slice has taken its time: it is then time to `await next()`. Cheap. */
  isOver(): boolean;
  /** Lets other work run, and begins the next slice. */
  next(): Promise<void>;
  /** Time in all slices so far, ms. */
  readonly spentMs: number;
}

/** A slice takes this long, ms: an event loop that is late by that is not noticed. */
const SLICE_MS = 5;
/** The clock is read at every n-th question. */
const LOOK_EVERY = 16;

/** @param now monotonic clock, ms. */
export function createSlices(now: () => number): Slices {
  let startedMs = now();
  let spentMs = 0;
  let asked = 0;
  return {
    isOver: () => ++asked % LOOK_EVERY === 0 && now() - startedMs >= SLICE_MS,
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
