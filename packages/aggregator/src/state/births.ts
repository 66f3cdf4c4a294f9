import { decodeDelta, emptyDelta, encodeDeltaInParts, type SeriesKey } from '@streamfold/core';

/** Births are remembered for this time: no exposition shows a series as 0 for longer. */
export const YOUNG_SECONDS = 300;
const YOUNG_MS = YOUNG_SECONDS * 1_000;

/**
 * The birth times of the young series of a shard, ms of Redis's clock: a function of the delta log, and so the same for
 * every aggregator and after every restart. A series that is not remembered here is old.
 */
export interface Births {
  /** Remembers that a series was born. */
  add(name: string, key: SeriesKey, bornMs: number): void;
  /** When a series was born, or `undefined` if it is old. */
  bornMs(name: string, key: SeriesKey): number | undefined;
  /**
   * Forgets the series that are not young at `nowMs`, up to the first that is. The cost grows with the number
   * forgotten; after the clock went back it is one pass over all.
   */
  forgetOld(nowMs: number): void;
  /** Texts of at most `maxItems` births each: those that are young at `nowMs`, and no others. */
  encodeInParts(nowMs: number, maxItems: number): Iterable<string>;
  /** Adds the births of one text written by `encodeInParts`. @throws {Error} if it is malformed. */
  decode(text: string): void;
}

/** No series is young. */
export function createBirths(): Births {
  const byMetric = new Map<string, Map<SeriesKey, number>>();
  let latestMs = 0;
  const add = (name: string, key: SeriesKey, bornMs: number): void => {
    let births = byMetric.get(name);
    if (births === undefined) byMetric.set(name, (births = new Map<SeriesKey, number>()));
    births.set(key, bornMs);
    latestMs = Math.max(latestMs, bornMs);
  };
  return {
    add,
    bornMs: (name, key) => byMetric.get(name)?.get(key),
    forgetOld(nowMs) {
      const clockWentBack = latestMs > nowMs;
      for (const births of byMetric.values()) {
        for (const [key, bornMs] of births) {
          if (!isYoung(bornMs, nowMs)) births.delete(key);
          else if (!clockWentBack) break;
        }
      }
      latestMs = Math.min(latestMs, nowMs);
    },
    encodeInParts(nowMs, maxItems) {
      // A birth is a number of a series, like a count, and is written in the same form.
      const young = emptyDelta();
      for (const [name, births] of byMetric) {
        young.series.set(name, new Map([...births].filter(([, bornMs]) => isYoung(bornMs, nowMs))));
      }
      return encodeDeltaInParts(young, maxItems);
    },
    decode(text) {
      for (const [name, births] of decodeDelta(text).series) {
        for (const [key, bornMs] of births) {
          if (typeof bornMs !== 'number')
            throw new Error(`births: expected ms of ${name} ${key}; got a histogram`);
          add(name, key, bornMs);
        }
      }
    },
  };
}

/**
 * True if a series that was born at `bornMs` can still be shown as 0 at `nowMs`. One that was born later than now
 * cannot: the clock was ahead then, and its age is unknown.
 */
export function isYoung(bornMs: number, nowMs: number): boolean {
  const ageMs = nowMs - bornMs;
  return ageMs >= 0 && ageMs < YOUNG_MS;
}
