import { decodeLine, type StoredEntries } from '@streamfold/archive';
import { NO_MATCH, type BytesFold, type EntryId } from '@streamfold/core';
import { describeDelivered, type TakeEntry } from './delivered-entry.ts';
import { createEntryParser } from './entries-parser.ts';
import { measureEntry } from './reply-frame.ts';

/**
 * Folds pages of a log entry by entry, as the fold of a reply does: as the bytes that they are stored as, or, if those are
 * not of a known layout, decoded.
 */
export class PageFold {
  private readonly fold: BytesFold;
  private readonly take: TakeEntry;
  private page: StoredEntries = { form: 'reply', bytes: Buffer.of() };
  /** Where the page begins in the memory of the fold. */
  private pageStart = 0;

  constructor(fold: BytesFold) {
    this.fold = fold;
    this.take = ({ id, fields, payloadBytes }) => fold.foldAndLearn(id, fields, payloadBytes);
  }

  /** Begins a page, which must stay as it is until all of it is folded. What is left of the one before is dropped. */
  open(page: StoredEntries): void {
    const { source } = this.fold;
    source.clear();
    source.push(page.bytes);
    this.page = page;
    this.pageStart = source.start;
  }

  /** False at the end of the page. */
  get hasNext(): boolean {
    const { source } = this.fold;
    return source.start < source.end;
  }

  /** The ID of the next entry. */
  get nextId(): EntryId {
    const { bytes } = this.page;
    const start = this.findNextId();
    const end = bytes.indexOf(this.page.form === 'lines' ? QUOTE : CR, start);
    return bytes.toString('latin1', start, end);
  }

  /** The time in the ID of the next entry, ms. */
  get nextMs(): number {
    const { bytes } = this.page;
    let at = this.findNextId();
    let ms = 0;
    for (let byte = bytes[at] ?? MINUS; byte !== MINUS; byte = bytes[++at] ?? MINUS)
      ms = ms * 10 + byte - ZERO;
    return ms;
  }

  foldNext(): void {
    const { fold } = this;
    const { source } = fold;
    const end = this.page.form === 'lines' ? fold.foldLine(source.start) : fold.foldReceived(source.start);
    if (end === NO_MATCH) this.decodeNext();
    else source.start = end;
  }

  /** Leaves out the next entry. Returns its bytes. */
  skipNext(): Buffer {
    const { source } = this.fold;
    const { form, bytes } = this.page;
    const start = this.nextStart();
    const size = form === 'lines' ? bytes.indexOf(LF, start) + 1 - start : (measureEntry(source) ?? 0);
    if (size < 1) throw new Error(`page of a log: expected an entry at byte ${start}; it has ended`);
    source.start += size;
    return bytes.subarray(start, start + size);
  }

  /** Folds the next entry the slow way. */
  private decodeNext(): void {
    const isLine = this.page.form === 'lines';
    const bytes = this.skipNext();
    if (!isLine) {
      createEntryParser(this.take).push(bytes);
      return;
    }
    const { id, fields } = decodeLine(bytes.toString('utf8'));
    this.fold.foldAndLearnLine(id, fields, describeDelivered(id, fields).payloadBytes);
  }

  private nextStart(): number {
    return this.fold.source.start - this.pageStart;
  }

  private findNextId(): number {
    const start = this.nextStart();
    if (this.page.form === 'lines') return start + LINE_HEAD_BYTES;
    return this.page.bytes.indexOf(LF, start + PAIR_BYTES) + 1;
  }
}

/** Bytes of `*2\r\n`, in front of the length of an ID, and of `{"id":"`, in front of an ID. */
const PAIR_BYTES = 4;
const LINE_HEAD_BYTES = 7;
const LF = 10;
const CR = 13;
const QUOTE = 34;
const MINUS = 45;
const ZERO = 48;
