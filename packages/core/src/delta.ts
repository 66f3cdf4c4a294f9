import type { CoordinatorRegisters } from './coordinator-registers.ts';
import { copyRegisters, mergeRegisters, pruneRegisters } from './coordinator-registers.ts';
import type { DeadLetterReason } from './decode-entry.ts';
import { laterStamp, NO_STAMP, type Stamp } from './entry-id.ts';
import { mergeHistogram, type Histogram } from './histogram.ts';

/** Key of one series of a metric: its label values in catalogue order, joined by `|`. */
export type SeriesKey = string;

/** The value of a series: a count, or a histogram. */
export type SeriesValue = number | Histogram;

/** Counts of the entries and events folded into a delta. */
export interface FoldTotals {
  /** Entries acknowledged with this delta. */
  entries: number;
  /** Events folded; an entry may hold many. */
  events: number;
  /** Entries that were trimmed from the stream before they could be folded. */
  lostEntries: number;
  /** Dead letters by reason. */
  deadLetters: Map<DeadLetterReason, number>;
}

/**
 * The contribution of a batch of entries to the metrics. The state is a delta too: the merge of all deltas of the delta log.
 *
 * Merging is associative and commutative, with `emptyDelta()` as its identity: counts and histograms are sums of
 * integers, and everything that is not a sum is a register stamped with the event that set it, of which the latest wins.
 * So the result does not depend on the order or the grouping in which the entries of a shard were committed.
 */
export interface Delta {
  /** By metric name, then by series. */
  readonly series: Map<string, Map<SeriesKey, SeriesValue>>;
  /** By `swarm_id|coordinator_id`. */
  readonly coordinators: Map<string, CoordinatorRegisters>;
  readonly totals: FoldTotals;
  /** Every entry up to here has been folded; no older event can still arrive. */
  watermark: Stamp;
}

/** Separates label values in a key. No id or label text can hold it (see `event/field.ts`). */
export const KEY_SEPARATOR = '|';

/** A delta that adds nothing: the identity of `mergeDelta`. */
export function emptyDelta(): Delta {
  return {
    series: new Map(),
    coordinators: new Map(),
    totals: { entries: 0, events: 0, lostEntries: 0, deadLetters: new Map() },
    watermark: NO_STAMP,
  };
}

/** Called for each series that a merge creates. */
export type SeriesBorn = (name: string, key: SeriesKey) => void;

/** Adds `from` to `into`, which is changed; `from` stays as it was and shares nothing with `into`. */
export function mergeDelta(into: Delta, from: Delta, born?: SeriesBorn): void {
  for (const [name, added] of from.series) {
    const series = seriesOf(into, name);
    for (const [key, value] of added) {
      if (mergeSeries(series, key, value) === 'born') born?.(name, key);
    }
  }
  mergeRest(into, from);
}

/** Adds all but the series. */
export function mergeRest(into: Delta, from: Omit<Delta, 'series'>): void {
  for (const [key, registers] of from.coordinators) mergeCoordinator(into, key, registers);
  mergeTotals(into.totals, from.totals);
  into.watermark = laterStamp(into.watermark, from.watermark);
}

/** The series of the metric `name` in a delta, created when there are none yet. */
export function seriesOf(delta: Delta, name: string): Map<SeriesKey, SeriesValue> {
  let series = delta.series.get(name);
  if (series === undefined) {
    series = new Map();
    delta.series.set(name, series);
  }
  return series;
}

function mergeSeries(
  series: Map<SeriesKey, SeriesValue>,
  key: SeriesKey,
  value: SeriesValue,
): 'born' | 'added' {
  const present = series.get(key);
  if (typeof value === 'number') {
    series.set(key, (typeof present === 'number' ? present : 0) + value);
  } else if (typeof present === 'object') {
    mergeHistogram(present, value);
  } else {
    series.set(key, { sumMicros: value.sumMicros, buckets: [...value.buckets] });
  }
  return present === undefined ? 'born' : 'added';
}

function mergeCoordinator(into: Delta, key: string, registers: CoordinatorRegisters): void {
  const present = into.coordinators.get(key);
  if (present === undefined) into.coordinators.set(key, copyRegisters(registers));
  else mergeRegisters(present, registers);
}

function mergeTotals(into: FoldTotals, from: FoldTotals): void {
  into.entries += from.entries;
  into.events += from.events;
  into.lostEntries += from.lostEntries;
  for (const [reason, count] of from.deadLetters) {
    into.deadLetters.set(reason, (into.deadLetters.get(reason) ?? 0) + count);
  }
}

/**
 * Forgets what only events older than the watermark could still change: ended coordinators and closed waits. The
 * exposition does not change. Costs one pass over the coordinators.
 */
export function pruneTombstones(state: Delta): void {
  for (const [key, registers] of state.coordinators) {
    if (pruneRegisters(registers, state.watermark) === 'nothing_left') state.coordinators.delete(key);
  }
}

/** The number of stored series in the delta (the gauges of the coordinators are projected, and not counted). */
export function countSeries(delta: Delta): number {
  let count = 0;
  for (const series of delta.series.values()) count += series.size;
  return count;
}
