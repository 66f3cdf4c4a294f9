import {
  mergeHistogram,
  type Catalogue,
  type Delta,
  type SeriesKey,
  type SeriesValue,
} from '@streamfold/core';

/** The value of every label of the series that are shown as one. */
const OTHER = 'other';

/**
 * The shown series of a shard: for each metric up to the limit, the first ones in the delta log; all others are shown as
 * one, with the label value `other`. The state has all of them, so another limit needs no rebuild.
 *
 * A series that is shown once is shown forever, and the others never are, so the limit makes no counter fall. The order is
 * that of the state, which snapshots keep, so all aggregators show the same.
 */
export interface SeriesBound {
  /** Called with each delta after it was merged into the state. The cost grows with the delta, and once per metric with the state. */
  merged(delta: Pick<Delta, 'series'>): void;
  /** True if series of some metric are shown as one: `merged` must then see each delta. */
  readonly showsTogether: boolean;
  /** If none were shown as one before, this is enough: series of these metrics were merged into the state. */
  mergedMetrics(names: Iterable<string>): void;
  /** The key under which a series is shown. */
  shownAs(name: string, key: SeriesKey): SeriesKey;
  /** The keys of all series that are shown. */
  keys(name: string): Iterable<SeriesKey>;
  /** The value shown under a key; `undefined` if there is none. */
  value(name: string, key: SeriesKey): SeriesValue | undefined;
  /** The first series under a key: the key itself, except for those that are shown as one. */
  oldest(name: string, key: SeriesKey): SeriesKey;
  /** The number of series that are shown as one. */
  countTogether(name: string): number;
}

/** The series of one metric that are shown as one. */
interface Together {
  readonly shown: ReadonlySet<SeriesKey>;
  readonly key: SeriesKey;
  readonly first: SeriesKey;
  total: SeriesValue;
}

/** Bounds the series of `state`; a `limit` of 0 means no limit. */
export function createSeriesBound(
  state: Delta,
  { catalogue, limit }: { catalogue: Catalogue; limit: number },
): SeriesBound {
  const together = new Map<string, Together>();
  const otherKeys = new Map(
    catalogue.map(({ name, labels }) => [name, labels.map(() => OTHER).join('|')] as const),
  );

  const begin = (name: string, series: ReadonlyMap<SeriesKey, SeriesValue>): void => {
    const shown = new Set<SeriesKey>();
    let first: SeriesKey | undefined;
    let total: SeriesValue | undefined;
    for (const [key, value] of series) {
      if (shown.size < limit) shown.add(key);
      else {
        first ??= key;
        total = add(total, value);
      }
    }
    if (first === undefined || total === undefined) return;
    together.set(name, { shown, key: otherKeys.get(name) ?? OTHER, first, total });
  };

  if (limit > 0) for (const [name, series] of state.series) if (series.size > limit) begin(name, series);

  return {
    merged(delta) {
      if (limit === 0) return;
      for (const [name, added] of delta.series) {
        const series = state.series.get(name);
        if (series === undefined || series.size <= limit) continue;
        const present = together.get(name);
        if (present === undefined) {
          begin(name, series);
          continue;
        }
        for (const [key, value] of added)
          if (!present.shown.has(key)) present.total = add(present.total, value);
      }
    },
    get showsTogether() {
      return together.size > 0;
    },
    mergedMetrics(names) {
      if (limit === 0) return;
      for (const name of names) {
        const series = state.series.get(name);
        if (series !== undefined && series.size > limit) begin(name, series);
      }
    },
    shownAs(name, key) {
      const present = together.get(name);
      return present === undefined || present.shown.has(key) ? key : present.key;
    },
    keys(name) {
      const present = together.get(name);
      if (present === undefined) return state.series.get(name)?.keys() ?? [];
      return new Set([...present.shown, present.key]);
    },
    value(name, key) {
      const present = together.get(name);
      const own = state.series.get(name)?.get(key);
      if (present === undefined) return own;
      const value = present.shown.has(key) ? own : undefined;
      return key === present.key ? add(value, present.total) : value;
    },
    oldest(name, key) {
      const present = together.get(name);
      return present !== undefined && key === present.key && !present.shown.has(key) ? present.first : key;
    },
    countTogether(name) {
      const present = together.get(name);
      return present === undefined ? 0 : (state.series.get(name)?.size ?? 0) - present.shown.size;
    },
  };
}

/** The sum; a histogram that was there is not changed. */
function add(total: SeriesValue | undefined, value: SeriesValue): SeriesValue {
  if (typeof value === 'number') return (typeof total === 'number' ? total : 0) + value;
  const sum = { sumMicros: 0, buckets: value.buckets.map(() => 0) };
  if (typeof total === 'object') mergeHistogram(sum, total);
  mergeHistogram(sum, value);
  return sum;
}
