import type { Catalogue, CounterMetric, HistogramMetric } from '../catalogue.ts';
import { KeyTable } from '../bytes/key-table.ts';
import type { ReceiveBuffer } from '../bytes/receive-buffer.ts';
import type { DeadLetterReason } from '../decode-entry.ts';
import { stampEvent, type EntryId, type Stamp } from '../entry-id.ts';
import { boundsInMillionths } from '../fold.ts';
import { ByteArena } from './byte-arena.ts';
import { LifeColumns } from './life-columns.ts';
import { grown, SeriesColumns } from './series-columns.ts';

/** A metric that events are folded into, and what a batch adds to it. */
export interface FoldedMetric {
  readonly metric: CounterMetric | HistogramMetric;
  readonly columns: SeriesColumns;
}

/** Events are numbered in the order of the stream: entry * EVENTS_PER_ENTRY + index + 1. An entry has at most 1,000. */
export const EVENTS_PER_ENTRY = 1_024;

/**
 * What a batch of entries adds to the metrics, as columns of numbers: nothing is made per event that the garbage collector
 * would have to look at. One is used again for each batch; the tables of keys stay.
 */
export class BatchColumns {
  readonly metrics: readonly FoldedMetric[];
  readonly life: LifeColumns;
  /** Entries, with those that were lost; and events. */
  entries = 0;
  events = 0;
  lostEntries = 0;
  /** Bytes of all names and values. */
  payloadBytes = 0;
  readonly deadLetters = new Map<DeadLetterReason, number>();
  /** The IDs of the entries, each followed by a space. */
  readonly ids = new ByteArena();
  private idStarts = new Int32Array(1_024);

  /** Texts of events are in `source`. */
  constructor(catalogue: Catalogue, source: ReceiveBuffer) {
    this.metrics = catalogue.flatMap((metric) =>
      metric.type === 'gauge' ? [] : [{ metric, columns: createColumns(metric) }],
    );
    this.life = new LifeColumns(new KeyTable(), source);
  }

  clear(): void {
    for (const { columns } of this.metrics) {
      columns.clear();
      if (columns.table.isLarge) columns.table.clear();
    }
    this.life.clear();
    if (this.life.table.isLarge) this.life.table.clear();
    this.entries = 0;
    this.events = 0;
    this.lostEntries = 0;
    this.payloadBytes = 0;
    this.deadLetters.clear();
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
    this.idStarts[this.entries++] = this.ids.copy(bytes, start, length);
    this.idStarts[this.entries] = this.ids.copy(SEPARATOR, 0, 1) + 1;
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

  private idAt(entry: number): EntryId {
    return this.ids.text(this.idStart(entry), this.idLength(entry));
  }

  /** The stamp of the event with that ordinal. */
  stampOf(ordinal: number): Stamp {
    const event = ordinal - 1;
    return stampEvent(this.idAt(Math.floor(event / EVENTS_PER_ENTRY)), event % EVENTS_PER_ENTRY);
  }
}

function createColumns(metric: CounterMetric | HistogramMetric): SeriesColumns {
  const bounds = metric.type === 'histogram' ? Float64Array.from(boundsInMillionths(metric)) : undefined;
  return new SeriesColumns(new KeyTable(), bounds);
}

const SEPARATOR = Uint8Array.of(32);
