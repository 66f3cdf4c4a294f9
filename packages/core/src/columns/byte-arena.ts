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

  /** ASCII bytes as a text. */
  text(start: number, length: number): string {
    return readAscii(this.bytes, start, length);
  }
}
