import type { Catalogue } from './catalogue.ts';
import {
  BACKSLASH,
  CLOSING_BRACKET,
  COMMA,
  DOLLAR,
  OPENING_BRACKET,
  QUOTE,
  SPACE,
} from './bytes/byte-classes.ts';
import { ReceiveBuffer } from './bytes/receive-buffer.ts';
import { foldedMetrics, type BatchColumns } from './columns/batch-columns.ts';
import { ColumnPool } from './columns/column-pool.ts';
import { Journal } from './columns/journal.ts';
import { BATCH_ENTRY_BYTES, BATCH_EVENTS, decodeEntry, FLAT_ENTRY_BYTES } from './decode-entry.ts';
import type { DeadLetter, DecodeContext } from './decode-entry.ts';
import type { EntryId } from './entry-id.ts';
import { DecodedEventFold } from './fold-decoded.ts';
import { EventJournal } from './layout/journal-event.ts';
import type { LayoutList } from './layout/learn-layout.ts';
import { LearnedLayouts } from './layout/learned-layouts.ts';
import { BATCH_TAIL, EVENTS_HEAD, FIELDS_HEAD, isAt, LINE_HEAD } from './layout/line-form.ts';
import { matchFlat } from './layout/match-flat.ts';
import { matchJson } from './layout/match-json.ts';
import { MatchedEntry, NO_MATCH } from './layout/matched-values.ts';
import { countDigits, readIdText, readLength } from './layout/read-value.ts';

export interface BytesFoldOptions {
  readonly catalogue: Catalogue;
  readonly context: DecodeContext;
  /** Of the hashes; drawn once per process. */
  readonly seed: number;
  /** Of the batches; other folds of the same catalogue and seed may share it. */
  readonly pool?: ColumnPool;
  /** Called for each event that cannot be decoded, after it was counted. */
  readonly onDeadLetter: (deadLetter: DeadLetter, entryId: EntryId) => void;
}

/**
 * Folds entries into columns. Entries whose bytes are of a known layout are folded as they stand in the reply, without a
 * string or an object per event. All others are decoded by `decodeEntry`, which defines what is right, and from which
 * layouts are learned: so the layouts change the cost of folding, never its result.
 */
export class BytesFold {
  readonly source: ReceiveBuffer;
  /** The batch that entries are folded into. */
  batch: BatchColumns;
  private readonly pool: ColumnPool;
  private readonly context: DecodeContext;
  private readonly onDeadLetter: BytesFoldOptions['onDeadLetter'];
  private readonly matched: MatchedEntry;
  private readonly journal = new Journal();
  private readonly events: EventJournal;
  private readonly decoded: DecodedEventFold;
  private readonly layouts: LearnedLayouts;

  constructor({ catalogue, context, seed, pool, onDeadLetter }: BytesFoldOptions) {
    this.source = new ReceiveBuffer(seed);
    this.pool = pool ?? new ColumnPool(catalogue);
    this.batch = this.pool.take(this.source);
    this.context = context;
    this.onDeadLetter = onDeadLetter;
    this.matched = new MatchedEntry(this.source);
    const metrics = foldedMetrics(catalogue);
    const { shard, shards } = context;
    this.events = new EventJournal({
      source: this.source,
      journal: this.journal,
      shard,
      shards,
    });
    this.decoded = new DecodedEventFold(metrics, this.source);
    this.layouts = new LearnedLayouts({ source: this.source, metrics });
  }

  /** Returns the batch, and begins another one. The pool wants the returned one back. */
  takeBatch(): BatchColumns {
    const { batch } = this;
    this.batch = this.pool.take(this.source);
    return batch;
  }

  /** Drops what was folded into the batch. */
  startAnew(): void {
    this.pool.giveBack(this.batch);
    this.batch = this.pool.take(this.source);
  }

  /**
   * Folds the entry that begins at `start` of the received bytes, if all of it has arrived and it is of a known layout.
   * Returns its end; `NO_MATCH`, and the batch is as it was, if it has to be decoded.
   */
  foldReceived(start: number): number {
    const { view, end: received } = this.source;
    if (view.getInt32(start, true) !== PAIR || view.getUint8(start + PAIR_BYTES) !== DOLLAR) return NO_MATCH;
    const idStart = start + PAIR_BYTES + 5; // $15\r\n
    const idLength = readLength(this.source, start + PAIR_BYTES + 1);
    if (idLength < 10 || idLength > 41) return NO_MATCH;
    const fields = idStart + idLength + 2;
    if (fields + EVENTS_FIELD_BYTES > received) return NO_MATCH;
    const isBatch = this.isEventsField(fields);
    const end = isBatch ? this.foldBatch(fields) : this.foldFlat(fields);
    if (end === NO_MATCH || end > received) return NO_MATCH;
    this.batch.openEntry(this.source.bytes, idStart, idLength);
    this.batch.payloadBytes += this.matched.payloadBytes;
    this.applyJournal();
    return end;
  }

  /** Bytes of the entry that begins at `start`, if it is a batch and so much of it has arrived that they are known, else 0. */
  measureBatch(start: number): number {
    const { source } = this;
    const idLength = readLength(source, start + PAIR_BYTES + 1);
    const fields = start + PAIR_BYTES + 5 + idLength + 2;
    if (idLength === NO_MATCH || fields + EVENTS_FIELD_BYTES + 12 > source.end) return 0;
    const length = this.isEventsField(fields) ? readLength(source, fields + EVENTS_FIELD_BYTES) : NO_MATCH;
    if (length === NO_MATCH) return 0;
    return fields + EVENTS_FIELD_BYTES + countDigits(length) + 2 + length + 2 - start;
  }

  private isEventsField(start: number): boolean {
    const { view, bytes } = this.source;
    for (let word = 0; word < EVENTS_FIELD.length; word++)
      if (view.getInt32(start + 4 * word, true) !== EVENTS_FIELD[word]) return false;
    return bytes[start + EVENTS_FIELD_BYTES - 1] === DOLLAR;
  }

  private foldFlat(start: number): number {
    const list = this.layouts.flat.reply;
    const { layouts } = list;
    for (let at = 0; at < layouts.length; at++) {
      const layout = layouts[at];
      if (layout === undefined) break;
      const end = matchFlat(layout, this.matched, start);
      if (end === NO_MATCH) continue;
      if (end > this.source.end || this.matched.payloadBytes > FLAT_ENTRY_BYTES) return NO_MATCH;
      list.matched(at);
      this.journal.clear();
      return this.events.write(layout, this.batch) === 'written' ? end : NO_MATCH;
    }
    return NO_MATCH;
  }

  private foldBatch(start: number): number {
    const { source, matched } = this;
    const lengthStart = start + EVENTS_FIELD_BYTES;
    const length = readLength(source, lengthStart);
    const textStart = lengthStart + countDigits(length) + 2;
    const textEnd = textStart + length;
    if (length === NO_MATCH || textEnd + 2 > source.end) return NO_MATCH;
    if (length > BATCH_ENTRY_BYTES) return NO_MATCH;
    matched.limit = textEnd;
    matched.closing = QUOTE;
    matched.payloadBytes = EVENTS_NAME_BYTES + length;
    return this.foldEvents(this.layouts.batches.reply, textStart) === textEnd ? textEnd + 2 : NO_MATCH;
  }

  /** Folds the events of a batch, `[…]`. Returns its end; `NO_MATCH` if one is not of a known layout. */
  private foldEvents(list: LayoutList, start: number): number {
    const { source, journal } = this;
    journal.clear();
    if (source.bytes[start] !== OPENING_BRACKET) return NO_MATCH;
    for (let at = start + 1; journal.events < BATCH_EVENTS;) {
      const end = this.foldJson(list, at);
      if (end === NO_MATCH) return NO_MATCH;
      const next = source.bytes[end];
      if (next === CLOSING_BRACKET) return end + 1;
      if (next !== COMMA) return NO_MATCH;
      at = end + (source.bytes[end + 1] === SPACE ? 2 : 1);
    }
    return NO_MATCH;
  }

  private foldJson(list: LayoutList, start: number): number {
    const { layouts } = list;
    for (let at = 0; at < layouts.length; at++) {
      const layout = layouts[at];
      if (layout === undefined) break;
      const end = matchJson(layout, this.matched, start);
      if (end === NO_MATCH) continue;
      list.matched(at);
      return this.events.write(layout, this.batch) === 'written' ? end : NO_MATCH;
    }
    return NO_MATCH;
  }

  /**
   * Folds the entry whose line in an archive begins at `start`, if it is of a known layout. Returns the end of the line;
   * `NO_MATCH`, and the batch is as it was, if it has to be decoded.
   */
  foldLine(start: number): number {
    const { source, matched, batch } = this;
    const idStart = start + LINE_HEAD.length;
    const idEnd = readIdText(source, idStart);
    if (idEnd === NO_MATCH || !isAt(source, start, LINE_HEAD) || !isAt(source, idEnd, FIELDS_HEAD))
      return NO_MATCH;
    const fields = idEnd + FIELDS_HEAD.length;
    const isBatch = isAt(source, fields, EVENTS_HEAD);
    const end = isBatch ? this.foldLineOfBatch(fields + EVENTS_HEAD.length) : this.foldLineOfEvent(fields);
    if (end === NO_MATCH) return NO_MATCH;
    batch.openEntry(source.bytes, idStart, idEnd - idStart);
    batch.payloadBytes += matched.payloadBytes;
    this.applyJournal();
    return end;
  }

  private foldLineOfEvent(start: number): number {
    const { source, matched } = this;
    const list = this.layouts.flat.line;
    matched.limit = source.end;
    matched.closing = QUOTE;
    for (let at = 0; at < list.layouts.length; at++) {
      const layout = list.layouts[at];
      if (layout === undefined) break;
      const end = matchJson(layout, matched, start);
      if (end === NO_MATCH) continue;
      matched.payloadBytes = end - start; // and some quotes and commas
      if (end > source.end || matched.payloadBytes > FLAT_ENTRY_BYTES) return NO_MATCH;
      list.matched(at);
      this.journal.clear();
      return this.events.write(layout, this.batch) === 'written' ? end : NO_MATCH;
    }
    return NO_MATCH;
  }

  private foldLineOfBatch(start: number): number {
    const { source, matched } = this;
    matched.limit = source.end;
    matched.closing = BACKSLASH;
    const end = this.foldEvents(this.layouts.batches.line, start);
    matched.payloadBytes = EVENTS_NAME_BYTES + end - start; // and the backslashes
    if (end === NO_MATCH || end > source.end || end - start > BATCH_ENTRY_BYTES) return NO_MATCH;
    return isAt(source, end, BATCH_TAIL) ? end + BATCH_TAIL.length : NO_MATCH;
  }

  /** Does to the batch what the events of the entry do. */
  private applyJournal(): void {
    const { batch, journal } = this;
    const { metrics, life } = batch;
    for (let at = 0; at < journal.observations; at++) {
      const metric = metrics[journal.metrics[at] ?? 0];
      metric?.columns.add(journal.keys[at] ?? 0, journal.numbers[at] ?? 0);
    }
    for (let at = 0; at < journal.changes; at++) {
      const change = journal.changeAt(at);
      if (change !== undefined) life.change(change.key, change, batch.ordinalOf(change.index));
    }
    batch.events += journal.events;
  }

  /** The same, and learns the layouts of its events: to be called for what `foldReceived` has not matched. */
  foldAndLearn(id: EntryId, fields: readonly string[] | undefined, payloadBytes: number): void {
    const valid = this.foldDecoded(id, fields, payloadBytes);
    if (fields !== undefined && valid.length > 0) this.layouts.learn(fields, valid, 'reply');
  }

  /** The same for what `foldLine` has not matched. */
  foldAndLearnLine(id: EntryId, fields: readonly string[], payloadBytes: number): void {
    const valid = this.foldDecoded(id, fields, payloadBytes);
    if (valid.length > 0) this.layouts.learn(fields, valid, 'line');
  }

  /**
   * Decodes an entry and folds it; `fields` is `undefined` if it was trimmed meanwhile. Returns the places of the valid events
   * in it.
   */
  foldDecoded(id: EntryId, fields: readonly string[] | undefined, payloadBytes: number): readonly number[] {
    const { batch, source, decoded } = this;
    source.clearScratch();
    batch.openEntry(source.bytes, source.writeScratch(id), id.length);
    if (fields === undefined) {
      batch.lostEntries++;
      return [];
    }
    batch.payloadBytes += payloadBytes;
    const valid: number[] = [];
    decodeEntry(fields, this.context, {
      event(event, index) {
        valid.push(index);
        decoded.fold(event, index, batch);
      },
      deadLetter: (deadLetter) => {
        const { reason } = deadLetter;
        batch.deadLetters.set(reason, (batch.deadLetters.get(reason) ?? 0) + 1);
        this.onDeadLetter(deadLetter, id);
      },
    });
    return valid;
  }
}

/** `*2\r\n`, as a word: an entry is its ID and its fields. */
const PAIR = 0x0a0d322a;
const PAIR_BYTES = 4;

/** `*2\r\n$6\r\nevents\r\n`, as words, and `$`: the only field of a batch. */
const EVENTS_FIELD = [0x0a0d322a, 0x0a0d3624, 0x6e657665, 0x0a0d7374] as const;
const EVENTS_FIELD_BYTES = 17;
const EVENTS_NAME_BYTES = 6;
