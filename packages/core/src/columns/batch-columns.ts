import type { Catalogue, CounterMetric, HistogramMetric } from '../catalogue.ts';
import type { ReceiveBuffer } from '../bytes/receive-buffer.ts';
import type { DeadLetterReason } from '../decode-entry.ts';
import { stampEvent, type EntryId, type Stamp } from '../entry-id.ts';
import { boundsInMillionths } from '../fold.ts';
import { SPACE } from '../bytes/byte-classes.ts';
import { ByteArena } from './byte-arena.ts';
import { LifeColumns } from './life-columns.ts';
import { SeriesTables } from './series-tables.ts';
import { grown, NO_TABLE, SeriesColumns } from './series-columns.ts';

/** A metric that events are folded into, and what a batch adds to it. */
export interface FoldedMetric {
  readonly metric: CounterMetric | HistogramMetric;
  readonly columns: SeriesColumns;
}

/** Events are numbered in the order of the stream: entry * EVENTS_PER_ENTRY + index + 1. An entry has at most 1,000. */
export const EVENTS_PER_ENTRY = 1_024;

/**
 * What a batch of entries adds to the metrics, as columns of numbers: nothing is made per event that the garbage collector
 * would have to look at. One serves one batch after the other, with the tables of keys that all of them share.
 */
export class BatchColumns {
  readonly metrics: readonly FoldedMetric[];
  readonly life = new LifeColumns();
  /** Entries, with those that were lost; and events. */
  entries = 0;
  events = 0;
  lostEntries = 0;
  /** Bytes of all names and values. */
  payloadBytes = 0;
  readonly deadLetters = new Map<DeadLetterReason, number>();
  /** The IDs of the entries, each followed by a space. */
  readonly ids = new ByteArena();
  /** Of the keys. */
  tables = NO_TABLES;
  private idStarts = new Int32Array(1_024);
  private stampedOrdinal = 0;
  private stamp: Stamp = '';

  constructor(catalogue: Catalogue) {
    this.metrics = foldedMetrics(catalogue).map((metric) => ({ metric, columns: createColumns(metric) }));
  }

  /** Begins a batch, with keys of `tables`; texts of events are in `source`. */
  begin(tables: SeriesTables, source: ReceiveBuffer): void {
    for (const [at, { columns }] of this.metrics.entries()) columns.begin(tables.series[at] ?? NO_TABLE);
    this.tables = tables;
    this.beginLives(source);
    this.events = 0;
    this.lostEntries = 0;
    this.payloadBytes = 0;
    this.deadLetters.clear();
  }

  /** Forgets the coordinators, and the entries that have set their registers. */
  beginLives(source: ReceiveBuffer): void {
    this.life.begin(this.tables.coordinators, source);
    this.stampedOrdinal = 0;
    this.entries = 0;
    this.ids.clear();
  }

  /** Series and coordinators that the batch touches. */
  countTouched(): number {
    let touched = this.life.count;
    for (const { columns } of this.metrics) touched += columns.count;
    return touched;
  }

  /** Begins an entry, whose ID stands in `bytes`. */
  openEntry(bytes: Uint8Array, start: number, length: number): void {
    if (this.entries + 1 >= this.idStarts.length) this.idStarts = grown(this.idStarts);
    this.idStarts[this.entries++] = this.ids.copy(bytes, start, length + 1);
    this.ids.bytes[this.ids.end - 1] = SPACE; // in place of what followed the ID
    this.idStarts[this.entries] = this.ids.end;
  }

  /** The ordinal of the event at `index` of the entry that was begun last. */
  ordinalOf(index: number): number {
    return (this.entries - 1) * EVENTS_PER_ENTRY + index + 1;
  }

  /** Where the ID of an entry begins in `ids`, and its bytes. */
  idStart(entry: number): number {
    return this.idStarts[entry] ?? 0;
  }

  idLength(entry: number): number {
    return (this.idStarts[entry + 1] ?? 0) - 1 - this.idStart(entry);
  }

  /** Orders the event with that ordinal and one of another batch as their stamps. */
  compareStamp(ordinal: number, other: BatchColumns, ordinalOfOther: number): number {
    const event = ordinal - 1;
    const eventOfOther = ordinalOfOther - 1;
    const entry = Math.floor(event / EVENTS_PER_ENTRY);
    const entryOfOther = Math.floor(eventOfOther / EVENTS_PER_ENTRY);
    return (
      this.ids.compareIds(this.idStart(entry), other.ids, other.idStart(entryOfOther)) ||
      (event % EVENTS_PER_ENTRY) - (eventOfOther % EVENTS_PER_ENTRY)
    );
  }

  private idAt(entry: number): EntryId {
    return this.ids.text(this.idStart(entry), this.idLength(entry));
  }

  /** The stamp of the event with that ordinal. The last one is kept: one event sets several registers. */
  stampOf(ordinal: number): Stamp {
    if (ordinal === this.stampedOrdinal) return this.stamp;
    const event = ordinal - 1;
    this.stampedOrdinal = ordinal;
    this.stamp = stampEvent(this.idAt(Math.floor(event / EVENTS_PER_ENTRY)), event % EVENTS_PER_ENTRY);
    return this.stamp;
  }
}

/** The metrics that events are folded into, in the order of the catalogue. */
export function foldedMetrics(catalogue: Catalogue): (CounterMetric | HistogramMetric)[] {
  return catalogue.flatMap((metric) => (metric.type === 'gauge' ? [] : [metric]));
}

function createColumns(metric: CounterMetric | HistogramMetric): SeriesColumns {
  const bounds = metric.type === 'histogram' ? Float64Array.from(boundsInMillionths(metric)) : undefined;
  return new SeriesColumns(bounds);
}

/** The tables of columns that serve no batch yet. */
const NO_TABLES = new SeriesTables(0);
