import { readAscii } from './read-ascii.ts';
import type { KeyParts } from './key-parts.ts';

/** A key of a table: the place of its record in the table's memory. It stays the same until the table is cleared. */
export type Key = number;

/** No key has this place. */
export const NO_KEY: Key = 0;

/**
 * Finds keys (the label values of a series, joined by `|`) by their bytes, without making strings. Open addressing: a cell
 * of the index is [hash, place of the record], and a record is [slot, length, hash] and the bytes of the key, so a key is
 * found in two or three lines of the cache. Whether two keys are the same is decided by their bytes.
 */
export class KeyTable {
  /** Number of keys. Their slots are 0, 1, 2 … in the order in which they came. */
  size = 0;
  bytes: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(this.bytes.buffer);
  words: Int32Array = new Int32Array(0);
  private end = 0;
  private mask = 0;
  private index = new Int32Array(0);

  constructor() {
    this.clear();
  }

  /** Forgets all keys. */
  clear(): void {
    this.size = 0;
    this.end = FIRST_RECORD;
    this.mask = FIRST_CELLS - 1;
    this.index = new Int32Array(2 * FIRST_CELLS);
    this.bytes = new Uint8Array(0);
    this.allocate(FIRST_BYTES);
  }

  /** True if it has taken so much memory that it should be cleared when it can be. */
  get isLarge(): boolean {
    return this.end > LARGE_BYTES;
  }

  /** The key with these parts, or `NO_KEY`. */
  find(parts: KeyParts): Key {
    const { index, mask } = this;
    const { hash } = parts;
    for (let cell = hash & mask; ; cell = (cell + 1) & mask) {
      const key = index[2 * cell + 1] ?? NO_KEY;
      if (key === NO_KEY) return NO_KEY;
      if (index[2 * cell] === hash && this.hasParts(key, parts)) return key;
    }
  }

  private hasParts(key: Key, parts: KeyParts): boolean {
    if (this.words[(key >> 2) + LENGTH] !== parts.length) return false;
    const { bytes, view } = this;
    const { source, count } = parts;
    let at = key + HEADER_BYTES;
    for (let part = 0; part < count; part++) {
      const from = parts.starts[part] ?? 0;
      const length = parts.lengths[part] ?? 0;
      if (part > 0 && bytes[at++] !== SEPARATOR) return false;
      const words = length & -4;
      for (let byte = 0; byte < words; byte += 4)
        if (source.view.getInt32(from + byte, true) !== view.getInt32(at + byte, true)) return false;
      const differing = source.view.getInt32(from + words, true) ^ view.getInt32(at + words, true);
      if ((differing & (TAIL_MASKS[length & 3] ?? 0)) !== 0) return false;
      at += length;
    }
    return true;
  }

  /** Adds a key that is not there yet. */
  insert(parts: KeyParts): Key {
    const { source, count, length, hash } = parts;
    const key = this.end;
    if (key + HEADER_BYTES + length + SPARE_BYTES > this.bytes.length)
      this.allocate(2 * this.bytes.length + length);
    const { bytes, words } = this;
    let at = key + HEADER_BYTES;
    for (let part = 0; part < count; part++) {
      if (part > 0) bytes[at++] = SEPARATOR;
      const from = parts.starts[part] ?? 0;
      const to = from + (parts.lengths[part] ?? 0);
      bytes.set(source.bytes.subarray(from, to), at);
      at += to - from;
    }
    words[(key >> 2) + SLOT] = this.size++;
    words[(key >> 2) + LENGTH] = length;
    words[(key >> 2) + HASH] = hash;
    this.end = (at + 3) & -4;
    if (2 * this.size > this.mask) this.growIndex();
    else this.place(key, hash);
    return key;
  }

  private place(key: Key, hash: number): void {
    const { index, mask } = this;
    let cell = hash & mask;
    while (index[2 * cell + 1] !== NO_KEY) cell = (cell + 1) & mask;
    index[2 * cell] = hash;
    index[2 * cell + 1] = key;
  }

  private growIndex(): void {
    this.mask = 2 * this.mask + 1;
    this.index = new Int32Array(2 * (this.mask + 1));
    for (let key = FIRST_RECORD; key < this.end; key += this.recordBytes(key))
      this.place(key, this.words[(key >> 2) + HASH] ?? 0);
  }

  private recordBytes(key: Key): number {
    return (HEADER_BYTES + this.lengthOf(key) + 3) & -4;
  }

  private allocate(bytes: number): void {
    const before = this.bytes;
    this.bytes = new Uint8Array((bytes + 3) & -4);
    this.bytes.set(before);
    this.view = new DataView(this.bytes.buffer);
    this.words = new Int32Array(this.bytes.buffer);
  }

  slotOf(key: Key): number {
    return this.words[(key >> 2) + SLOT] ?? 0;
  }

  /** Bytes of the key. */
  lengthOf(key: Key): number {
    return this.words[(key >> 2) + LENGTH] ?? 0;
  }

  /** Where its bytes begin. */
  startOf(key: Key): number {
    return key + HEADER_BYTES;
  }

  /** The key as a text. */
  textOf(key: Key): string {
    return readAscii(this.bytes, this.startOf(key), this.lengthOf(key));
  }
}

const SEPARATOR = 124; // | (see KEY_SEPARATOR)

/** The words of a record before the bytes of its key. */
const SLOT = 0;
const LENGTH = 1;
const HASH = 2;
const HEADER_BYTES = 12;
/** Masks of the first bytes of a word. */
const TAIL_MASKS = Int32Array.of(0, 0xff, 0xffff, 0xffffff);
/** The last word of a key is compared with the bytes behind it. */
const SPARE_BYTES = 8;

const FIRST_RECORD = 64;
const FIRST_CELLS = 1_024;
const FIRST_BYTES = 1 << 16;
/** About 500,000 keys of 50 bytes. */
const LARGE_BYTES = 32 * 1024 * 1024;
