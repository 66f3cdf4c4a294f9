import type { ParseOutcome, ReplyParser } from '@streamfold/redis';
import type { EntryBytes } from './entry-bytes.ts';

/**
 * Keeps a reply to XRANGE (`*n` and then n times `*2 $id *2m $name $value …`) as the bytes that arrive, and finds where its
 * entries begin: only lengths are read. So the next page can be asked for before anything of this one is decoded. One serves
 * many replies, each until the next one begins: new memory for each would keep the garbage collector busy.
 */
export class RangeReply implements ReplyParser {
  untouched = true;
  private bytes: Buffer = Buffer.allocUnsafe(FIRST_BYTES);
  /** The end of what has arrived. */
  private end = 0;
  /** The next length line. It lies behind `end` while a value is still arriving. */
  private at = 0;
  /** Entries and texts that are still to come; `undefined` as long as the number of entries has not arrived. */
  private entriesLeft: number | undefined;
  private textsLeft = 0;
  private count = 0;
  private entriesStart = 0;
  private firstIdStart = 0;
  private lastIdStart = 0;

  /** Waits for a reply. Entries of the one before are no longer valid. */
  begin(): void {
    this.untouched = true;
    this.end = 0;
    this.at = 0;
    this.entriesLeft = undefined;
    this.textsLeft = 0;
    this.count = 0;
  }

  push(chunk: Buffer): ParseOutcome {
    this.untouched = false;
    if (this.end + chunk.length > this.bytes.length) this.grow(this.end + chunk.length);
    chunk.copy(this.bytes, this.end);
    this.end += chunk.length;
    if (!this.walk()) return { complete: false };
    const rest = this.bytes.subarray(this.at, this.end);
    this.end = this.at;
    return { complete: true, rest };
  }

  /** The entries, once the reply is complete; `undefined` if it has none. */
  get entries(): EntryBytes | undefined {
    const { count } = this;
    if (count === 0) return undefined;
    const bytes = this.bytes.subarray(this.entriesStart, this.end);
    return { bytes, count, firstId: this.idAt(this.firstIdStart), lastId: this.idAt(this.lastIdStart) };
  }

  private grow(needed: number): void {
    const larger = Buffer.allocUnsafe(Math.max(2 * this.bytes.length, needed));
    this.bytes.copy(larger, 0, 0, this.end);
    this.bytes = larger;
  }

  /** Walks over what has arrived. True if that is all of the reply. */
  private walk(): boolean {
    if (this.entriesLeft === undefined) {
      const count = this.readLength(ASTERISK);
      if (count === undefined) return false;
      this.entriesLeft = count;
      this.entriesStart = this.at;
      this.firstIdStart = this.at + PAIR_BYTES;
    }
    for (;;) {
      for (; this.textsLeft > 0; this.textsLeft--) if (!this.skipText()) return false;
      if (this.at > this.end) return false;
      if (this.entriesLeft === 0) return true;
      if (!this.openEntry()) return false;
      this.entriesLeft--;
      this.count++;
    }
  }

  /** Walks over `*2 $id *2m`: all of it, or nothing if it has not all arrived. */
  private openEntry(): boolean {
    const start = this.at;
    const texts =
      this.readLength(ASTERISK) !== undefined && this.skipText() ? this.readLength(ASTERISK) : undefined;
    if (texts === undefined) {
      this.at = start;
      return false;
    }
    this.lastIdStart = start + PAIR_BYTES;
    this.textsLeft = texts;
    return true;
  }

  /** Walks over a bulk string, or to where it will end. False if its length has not arrived. */
  private skipText(): boolean {
    const length = this.readLength(DOLLAR);
    if (length === undefined) return false;
    this.at += length + 2;
    return true;
  }

  /** The number of a length line that begins with `kind`; `undefined` if it has not all arrived. */
  private readLength(kind: number): number | undefined {
    const { bytes, end } = this;
    if (this.at >= end) return undefined;
    if (bytes[this.at] !== kind) throw this.describeUnexpected(kind);
    let length = 0;
    for (let at = this.at + 1; at + 1 < end; at++) {
      const byte = bytes[at] ?? 0;
      if (byte === CR) {
        this.at = at + 2;
        return length;
      }
      length = length * 10 + byte - ZERO;
    }
    return undefined;
  }

  /** The text whose length line begins at `start`. */
  private idAt(start: number): string {
    const idStart = this.bytes.indexOf(CR, start) + 2;
    return this.bytes.toString('latin1', idStart, this.bytes.indexOf(CR, idStart));
  }

  private describeUnexpected(kind: number): Error {
    const got = this.bytes.toString('latin1', this.at, Math.min(this.at + QUOTED_BYTES, this.end));
    return new Error(
      `reply to XRANGE: expected ${JSON.stringify(String.fromCharCode(kind))}; got ${JSON.stringify(got)}`,
    );
  }
}

const FIRST_BYTES = 256 * 1024;
/** Bytes of `*2\r\n`. */
const PAIR_BYTES = 4;
/** An unexpected reply is quoted up to this number of bytes. */
const QUOTED_BYTES = 20;
const CR = 13;
const DOLLAR = 36;
const ASTERISK = 42;
const ZERO = 48;
