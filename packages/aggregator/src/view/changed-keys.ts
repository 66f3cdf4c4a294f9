import type { SeriesKey } from '@streamfold/core';

/**
 * The series that must be rendered again. Adding one costs almost nothing, since an aggregator adds each series of each delta;
 * therefore a key may be listed more than once.
 *
 * ```
 *   some ──add, until a large part of all series is listed──▶ all ──take──▶ some
 * ```
 */
export interface ChangedKeys {
  add(key: SeriesKey): void;
  /** The keys that were added, or `all`; none afterwards. */
  take(): readonly SeriesKey[] | 'all';
}

/** The list is looked through at this length first, and then whenever it has doubled. */
const LOOK_AT = 1_024;
/** If this share of the series has changed (one in …), all are rendered, and no more keys are listed. */
const SHARE_OF_ALL = 4;

/**
 * No series.
 *
 * @param countAll number of series that there are; `undefined` if single ones can vanish, which are then listed always.
 */
export function createChangedKeys(countAll: (() => number) | undefined): ChangedKeys {
  let keys: SeriesKey[] = [];
  let lookAt = LOOK_AT;
  let all = false;
  const look = (): void => {
    const distinct = new Set(keys);
    all = countAll !== undefined && distinct.size * SHARE_OF_ALL > countAll();
    keys = all ? [] : [...distinct];
    lookAt = Math.max(LOOK_AT, 2 * keys.length);
  };
  return {
    add(key) {
      if (all) return;
      keys.push(key);
      if (keys.length >= lookAt) look();
    },
    take() {
      const taken = all ? 'all' : keys;
      keys = [];
      lookAt = LOOK_AT;
      all = false;
      return taken;
    },
  };
}
