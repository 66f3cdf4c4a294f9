import type { KeyTable } from './bytes/key-table.ts';
import type { BatchColumns, FoldedMetric } from './columns/batch-columns.ts';
import { joinSum } from './columns/join-sum.ts';
import { mergeLife } from './columns/merge-life.ts';
import { NO_TABLE, type SeriesColumns } from './columns/series-columns.ts';
import { emptyRegisters } from './coordinator-registers.ts';
import {
  mergeRest,
  seriesOf,
  type Delta,
  type SeriesBorn,
  type SeriesKey,
  type SeriesValue,
} from './delta.ts';
import type { Stamp } from './entry-id.ts';
import { addMicros, type Histogram } from './histogram.ts';
import type { Touched } from './merge-binary-delta.ts';

/** Merges batches of this process into one state: the same as to encode them and to merge the records, but much cheaper. */
export interface ColumnsMerger {
  /** Merges a batch whose entries are all folded up to `watermark`; `born` is called for each series that it creates. */
  merge(batch: BatchColumns, watermark: Stamp, born?: SeriesBorn): Touched;
}

/**
 * The merger of `state`, which only it, the merger of binary records and `mergeDelta` may change meanwhile. The text and the
 * value of a series are found by its number in the table of keys.
 */
export function createColumnsMerger(state: Delta): ColumnsMerger {
  const metrics = new Map<string, NumberedSeries>();
  const coordinators = new NumberedTexts();
  return {
    merge(batch, watermark, born) {
      const series = new Map<string, readonly SeriesKey[]>();
      for (const folded of batch.metrics) {
        if (folded.columns.count === 0) continue;
        const { name } = folded.metric;
        let numbered = metrics.get(name);
        if (numbered === undefined) metrics.set(name, (numbered = new NumberedSeries(seriesOf(state, name))));
        series.set(name, numbered.merge(folded, born));
      }
      const touched = mergeCoordinators(state, batch, coordinators);
      const { entries, lostEntries, events, deadLetters } = batch;
      const totals = { entries: entries - lostEntries, events, lostEntries, deadLetters };
      mergeRest(state, { coordinators: new Map(), totals, watermark });
      return { series, coordinators: touched };
    },
  };
}

function mergeCoordinators(state: Delta, batch: BatchColumns, texts: NumberedTexts): string[] {
  const { life } = batch;
  const touched: string[] = [];
  texts.use(life.table);
  for (let at = 0; at < life.count; at++) {
    const text = texts.read(life.keyAt(at));
    let registers = state.coordinators.get(text);
    if (registers === undefined) state.coordinators.set(text, (registers = emptyRegisters()));
    mergeLife(registers, batch, at);
    touched.push(text);
  }
  return touched;
}

/** The texts of keys by their numbers in a table. */
class NumberedTexts {
  table: KeyTable = NO_TABLE;
  private texts: (string | undefined)[] = [];

  /** Reads keys of this table from now on. */
  use(table: KeyTable): 'same' | 'other' {
    if (table === this.table) return 'same';
    this.table = table;
    this.texts = [];
    return 'other';
  }

  read(key: number): string {
    const { table, texts } = this;
    const slot = table.slotOf(key);
    let text = texts[slot];
    if (text !== undefined) return text;
    text = table.textOf(key);
    setAt(texts, slot, text);
    return text;
  }
}

/** The series of one metric, with the histograms that were merged already by the numbers of their keys. */
class NumberedSeries {
  private readonly series: Map<SeriesKey, SeriesValue>;
  private readonly texts = new NumberedTexts();
  private values: (Histogram | undefined)[] = [];

  constructor(series: Map<SeriesKey, SeriesValue>) {
    this.series = series;
  }

  merge({ metric: { name }, columns }: FoldedMetric, born: SeriesBorn | undefined): SeriesKey[] {
    if (this.texts.use(columns.table) === 'other') this.values = [];
    const keys: SeriesKey[] = [];
    for (let at = 0; at < columns.count; at++) {
      const key = this.texts.read(columns.keyAt(at));
      const isBorn =
        columns.width === 0 ? this.addCount(key, columns, at) : this.addHistogram(key, columns, at);
      if (isBorn) born?.(name, key);
      keys.push(key);
    }
    return keys;
  }

  private addCount(key: SeriesKey, { low }: SeriesColumns, at: number): boolean {
    const present = this.series.get(key);
    this.series.set(key, (typeof present === 'number' ? present : 0) + (low[at] ?? 0));
    return present === undefined;
  }

  private addHistogram(key: SeriesKey, columns: SeriesColumns, at: number): boolean {
    const { table, keys, low, carries, buckets, width } = columns;
    const slot = table.slotOf(keys[at] ?? 0);
    let present = this.values[slot];
    let isBorn = false;
    if (present === undefined) {
      const known = this.series.get(key);
      isBorn = typeof known !== 'object';
      present =
        typeof known === 'object' ? known : { sumMicros: 0, buckets: new Array<number>(width).fill(0) };
      if (isBorn) this.series.set(key, present);
      setAt(this.values, slot, present);
    }
    present.sumMicros = addMicros(present.sumMicros, joinSum(low[at] ?? 0, carries[at] ?? 0));
    const { buckets: counts } = present;
    const first = at * width;
    for (let bucket = 0; bucket < width; bucket++) {
      const observations = buckets[first + bucket] ?? 0;
      if (observations > 0) counts[bucket] = (counts[bucket] ?? 0) + observations;
    }
    return isBorn;
  }
}

/** Sets an element of a list without leaving a hole before it, which would make the list slow. */
function setAt<T>(list: (T | undefined)[], at: number, element: T): void {
  while (list.length <= at) list.push(undefined);
  list[at] = element;
}
