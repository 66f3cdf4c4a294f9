import { readAscii } from '../bytes/read-ascii.ts';

/** Bytes that are kept until the batch ends, one text behind the other. */
export class ByteArena {
  bytes = new Uint8Array(4_096);
  end = 0;

  clear(): void {
    this.end = 0;
  }

  /** Copies `length` bytes; returns where they begin. */
  copy(from: Uint8Array, start: number, length: number): number {
    const to = this.end;
    if (to + length > this.bytes.length) this.grow(length);
    const { bytes } = this;
    for (let at = 0; at < length; at++) bytes[to + at] = from[start + at] ?? 0;
    this.end = to + length;
    return to;
  }

  private grow(length: number): void {
    const before = this.bytes;
    this.bytes = new Uint8Array(2 * before.length + length);
    this.bytes.set(before);
  }

  /** Orders two entry IDs, each with a space behind it, as `compareStamps` does: exact for all 64-bit numbers. */
  compareIds(start: number, { bytes: right }: ByteArena, rightStart: number): number {
    const { bytes: left } = this;
    let order = 0; // of the first different digits, if both numbers turn out to be equally long
    for (let at = 0; ; at++) {
      const a = left[start + at] ?? SPACE;
      const b = right[rightStart + at] ?? SPACE;
      if (a < ZERO || b < ZERO) {
        if (a >= ZERO) return 1;
        if (b >= ZERO) return -1;
        if (order !== 0 || a === SPACE || b === SPACE) return order;
      } else if (order === 0) order = a - b;
    }
  }

  /** ASCII bytes as a text. */
  text(start: number, length: number): string {
    return readAscii(this.bytes, start, length);
  }
}

/** Digits follow it; a dash and a space are before it. */
const ZERO = 48;
const SPACE = 32;
