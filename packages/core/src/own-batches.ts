import type { KeyTable } from './bytes/key-table.ts';
import type { Catalogue } from './catalogue.ts';
import { BatchColumns, type FoldedMetric } from './columns/batch-columns.ts';
import { joinSum } from './columns/join-sum.ts';
import { describeSeries } from './columns/describe-columns.ts';
import { NO_SOURCE } from './columns/life-columns.ts';
import { LifeJoin } from './columns/life-join.ts';
import { mergeLife } from './columns/merge-life.ts';
import { FIRST_SERIES, grown, NO_TABLE, type SeriesColumns } from './columns/series-columns.ts';
import { emptyRegisters, pruneRegisters } from './coordinator-registers.ts';
import { mergeRest, seriesOf, type Delta, type SeriesKey, type SeriesValue } from './delta.ts';
import type { Stamp } from './entry-id.ts';
import { addMicros, type Histogram } from './histogram.ts';
import type { Touched } from './merge-binary-delta.ts';

/** Called for each series that a merge creates, with the birth time of the batch that has brought it. */
export type OwnSeriesBorn = (name: string, key: SeriesKey, bornMs: number) => void;

/**
 * Batches of this process on their way into a state. They are added up as columns of numbers; the texts and objects of a state are
 * only made, once for all batches, when they are settled.
 *
 * ```
 *           join: numbers are added            join, if the lives take much memory: these are merged
 *   empty ────────────────────────▶ unsettled ──────────────────────────────────────────────────────▶ unsettled
 *     ▲                                 │
 *     └─────────────────────────────────┘ settle: all is merged
 * ```
 *
 * The counts of entries and the watermark of the state include each batch at once.
 */
export class OwnBatches {
  private readonly state: Delta;
  private readonly joined: BatchColumns;
  private readonly lives: LifeJoin;
  private readonly metrics: readonly UnsettledSeries[];
  private readonly coordinatorTexts = new NumberedTexts();
  /** Coordinators that were merged since all was settled. */
  private touched = new Set<string>();
  private events = 0;
  private readonly mostLifeBytes: number;

  /** @param mostLifeBytes lives are merged when they take more memory. */
  constructor(state: Delta, catalogue: Catalogue, mostLifeBytes = MOST_LIFE_BYTES) {
    this.state = state;
    this.mostLifeBytes = mostLifeBytes;
    this.joined = new BatchColumns(catalogue);
    this.lives = new LifeJoin(this.joined);
    this.metrics = this.joined.metrics.map((metric) => new UnsettledSeries(state, metric));
  }

  get isEmpty(): boolean {
    return this.events === 0;
  }

  /** False if what was joined must be settled before this batch can be. */
  takes({ tables, events }: BatchColumns): boolean {
    return this.isEmpty || (tables === this.joined.tables && this.events + events < MOST_EVENTS);
  }

  /** Adds a batch. Its series are born at `bornMs`, if they are not there yet. */
  join(batch: BatchColumns, watermark: Stamp, bornMs: number): void {
    if (this.isEmpty) this.joined.begin(batch.tables, NO_SOURCE);
    this.events += batch.events;
    for (const [at, { columns }] of batch.metrics.entries())
      if (columns.count > 0) this.metrics[at]?.join(columns, bornMs);
    this.lives.join(batch);
    const { entries, events, lostEntries, deadLetters } = batch;
    const totals = { entries: entries - lostEntries, events, lostEntries, deadLetters };
    mergeRest(this.state, { coordinators: new Map(), totals, watermark });
    if (this.joined.ids.end + this.joined.life.textBytes > this.mostLifeBytes) this.settleLives();
  }

  /** Merges all that was joined into the state. */
  settle(born: OwnSeriesBorn): Touched {
    const series = new Map<string, readonly SeriesKey[]>();
    for (const metric of this.metrics) {
      const keys = metric.settle(born);
      if (keys.length > 0) series.set(metric.name, keys);
    }
    this.mergeLives();
    const coordinators = this.touched;
    this.touched = new Set();
    this.events = 0;
    this.joined.begin(this.joined.tables, NO_SOURCE);
    return { series, coordinators };
  }

  /** The series that were joined, as in a delta. */
  describeSeries(): Delta['series'] {
    return describeSeries(this.joined);
  }

  /** Merges the lives alone, and forgets those that are over. Series stay, since more batches may touch the same ones. */
  private settleLives(): void {
    const { coordinators, watermark } = this.state;
    for (const key of this.mergeLives()) {
      const registers = coordinators.get(key);
      if (registers !== undefined && pruneRegisters(registers, watermark) === 'nothing_left')
        coordinators.delete(key);
    }
    this.joined.beginLives(NO_SOURCE);
  }

  private mergeLives(): string[] {
    const { joined, state, coordinatorTexts } = this;
    const { life } = joined;
    const merged: string[] = [];
    coordinatorTexts.use(life.table);
    for (let at = 0; at < life.count; at++) {
      const text = coordinatorTexts.read(life.keyAt(at));
      let registers = state.coordinators.get(text);
      if (registers === undefined) state.coordinators.set(text, (registers = emptyRegisters()));
      mergeLife(registers, joined, at);
      merged.push(text);
      this.touched.add(text);
    }
    return merged;
  }
}

/** Observations of one bucket are counted in 32 bits. */
const MOST_EVENTS = 2 ** 31;
/** IDs of entries that were overtaken, and waits, are only forgotten when lives are merged. */
const MOST_LIFE_BYTES = 4 * 1024 * 1024;

/** The series of one metric that were joined, and the histograms that were merged already by the numbers of their keys. */
class UnsettledSeries {
  readonly name: string;
  private readonly state: Delta;
  private readonly columns: SeriesColumns;
  /** Of each series in the columns: when it was born, unless it is there already. */
  private bornMs = new Float64Array(FIRST_SERIES);
  private readonly texts = new NumberedTexts();
  private values: (Histogram | undefined)[] = [];

  constructor(state: Delta, { metric, columns }: FoldedMetric) {
    this.name = metric.name;
    this.state = state;
    this.columns = columns;
  }

  join(added: SeriesColumns, bornMs: number): void {
    const { columns } = this;
    const { count } = columns;
    columns.join(added);
    while (columns.count > this.bornMs.length) this.bornMs = grown(this.bornMs);
    this.bornMs.fill(bornMs, count, columns.count);
  }

  settle(born: OwnSeriesBorn): SeriesKey[] {
    const { name, columns, texts } = this;
    const keys: SeriesKey[] = [];
    if (columns.count === 0) return keys;
    const series = seriesOf(this.state, name);
    if (texts.use(columns.table) === 'other') this.values = [];
    for (let at = 0; at < columns.count; at++) {
      const key = texts.read(columns.keyAt(at));
      const isBorn =
        columns.width === 0 ? this.addCount(series, key, at) : this.addHistogram(series, key, at);
      if (isBorn) born(name, key, this.bornMs[at] ?? 0);
      keys.push(key);
    }
    return keys;
  }

  private addCount(series: Map<SeriesKey, SeriesValue>, key: SeriesKey, at: number): boolean {
    const present = series.get(key);
    series.set(key, (typeof present === 'number' ? present : 0) + (this.columns.low[at] ?? 0));
    return present === undefined;
  }

  private addHistogram(series: Map<SeriesKey, SeriesValue>, key: SeriesKey, at: number): boolean {
    const { slots, low, carries, buckets, width } = this.columns;
    const slot = slots[at] ?? 0;
    let present = this.values[slot];
    let isBorn = false;
    if (present === undefined) {
      const known = series.get(key);
      isBorn = typeof known !== 'object';
      present =
        typeof known === 'object' ? known : { sumMicros: 0, buckets: new Array<number>(width).fill(0) };
      if (isBorn) series.set(key, present);
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

/** The texts of keys by their numbers in a table. */
class NumberedTexts {
  private table: KeyTable = NO_TABLE;
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

/** Sets an element of a list without leaving a hole before it, which would make the list slow. */
function setAt<T>(list: (T | undefined)[], at: number, element: T): void {
  while (list.length <= at) list.push(undefined);
  list[at] = element;
}
