import type { Catalogue } from './catalogue.ts';
import { CLOSING_BRACKET, COMMA, DOLLAR, OPENING_BRACKET, SPACE } from './bytes/byte-classes.ts';
import { ReceiveBuffer } from './bytes/receive-buffer.ts';
import { BatchColumns } from './columns/batch-columns.ts';
import { Journal } from './columns/journal.ts';
import { BATCH_ENTRY_BYTES, BATCH_EVENTS, decodeEntry, FLAT_ENTRY_BYTES } from './decode-entry.ts';
import type { DeadLetter, DecodeContext } from './decode-entry.ts';
import type { EntryId } from './entry-id.ts';
import { DecodedEventFold } from './fold-decoded.ts';
import { EventJournal } from './layout/journal-event.ts';
import { describeBatch, describeFlat, LayoutList } from './layout/learn-layout.ts';
import { matchFlat } from './layout/match-flat.ts';
import { matchJson } from './layout/match-json.ts';
import { MatchedValues, NO_MATCH } from './layout/matched-values.ts';
import { countDigits, readLength } from './layout/read-value.ts';

export interface BytesFoldOptions {
  readonly catalogue: Catalogue;
  readonly context: DecodeContext;
  /** Of the hashes; drawn once per process. */
  readonly seed: number;
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
  readonly batch: BatchColumns;
  private readonly context: DecodeContext;
  private readonly onDeadLetter: BytesFoldOptions['onDeadLetter'];
  private readonly values: MatchedValues;
  private readonly journal = new Journal();
  private readonly events: EventJournal;
  private readonly decoded: DecodedEventFold;
  private readonly flat: LayoutList;
  private readonly json: LayoutList;

  constructor({ catalogue, context, seed, onDeadLetter }: BytesFoldOptions) {
    this.source = new ReceiveBuffer(seed);
    this.batch = new BatchColumns(catalogue, this.source);
    this.context = context;
    this.onDeadLetter = onDeadLetter;
    this.values = new MatchedValues(this.source);
    const { metrics, life } = this.batch;
    const { shard, shards } = context;
    this.events = new EventJournal({
      values: this.values,
      journal: this.journal,
      coordinators: life.table,
      shard,
      shards,
    });
    this.decoded = new DecodedEventFold(this.batch, this.source);
    this.flat = new LayoutList({ source: this.source, metrics });
    this.json = new LayoutList({ source: this.source, metrics });
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
    this.batch.payloadBytes += this.values.payloadBytes;
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
    const { layouts } = this.flat;
    for (let at = 0; at < layouts.length; at++) {
      const layout = layouts[at];
      if (layout === undefined) break;
      const end = matchFlat(layout, this.values, start);
      if (end === NO_MATCH) continue;
      if (end > this.source.end || this.values.payloadBytes > FLAT_ENTRY_BYTES) return NO_MATCH;
      this.flat.matched(at);
      this.journal.clear();
      return this.events.write(layout) === 'written' ? end : NO_MATCH;
    }
    return NO_MATCH;
  }

  private foldBatch(start: number): number {
    const { source, values } = this;
    const lengthStart = start + EVENTS_FIELD_BYTES;
    const length = readLength(source, lengthStart);
    const textStart = lengthStart + countDigits(length) + 2;
    const textEnd = textStart + length;
    if (length === NO_MATCH || length > BATCH_ENTRY_BYTES || textEnd + 2 > source.end) return NO_MATCH;
    values.limit = textEnd;
    values.payloadBytes = EVENTS_NAME_BYTES + length;
    this.journal.clear();
    if (source.bytes[textStart] !== OPENING_BRACKET) return NO_MATCH;
    for (let at = textStart + 1; this.journal.events < BATCH_EVENTS;) {
      const end = this.foldJson(at);
      if (end === NO_MATCH) return NO_MATCH;
      const next = source.bytes[end];
      if (next === CLOSING_BRACKET) return end + 1 === textEnd ? textEnd + 2 : NO_MATCH;
      if (next !== COMMA) return NO_MATCH;
      at = end + (source.bytes[end + 1] === SPACE ? 2 : 1);
    }
    return NO_MATCH;
  }

  private foldJson(start: number): number {
    const { layouts } = this.json;
    for (let at = 0; at < layouts.length; at++) {
      const layout = layouts[at];
      if (layout === undefined) break;
      const end = matchJson(layout, this.values, start);
      if (end === NO_MATCH) continue;
      this.json.matched(at);
      return this.events.write(layout) === 'written' ? end : NO_MATCH;
    }
    return NO_MATCH;
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
    if (fields !== undefined && valid.length > 0) this.learn(fields, valid);
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
        decoded.fold(event, index);
      },
      deadLetter: (deadLetter) => {
        const { reason } = deadLetter;
        batch.deadLetters.set(reason, (batch.deadLetters.get(reason) ?? 0) + 1);
        this.onDeadLetter(deadLetter, id);
      },
    });
    return valid;
  }

  private learn(fields: readonly string[], valid: readonly number[]): void {
    if (fields.length === 2 && fields[0] === 'events') {
      if (!this.json.takesNext()) return;
      const indexes = new Set(valid);
      for (const { index, event } of describeBatch(fields[1] ?? ''))
        if (indexes.has(index)) this.json.learn(event);
      return;
    }
    const event = this.flat.takesNext() ? describeFlat(fields) : undefined;
    if (event !== undefined) this.flat.learn(event);
  }
}

/** `*2\r\n`, as a word: an entry is its ID and its fields. */
const PAIR = 0x0a0d322a;
const PAIR_BYTES = 4;

/** `*2\r\n$6\r\nevents\r\n`, as words, and `$`: the only field of a batch. */
const EVENTS_FIELD = [0x0a0d322a, 0x0a0d3624, 0x6e657665, 0x0a0d7374] as const;
const EVENTS_FIELD_BYTES = 17;
const EVENTS_NAME_BYTES = 6;
