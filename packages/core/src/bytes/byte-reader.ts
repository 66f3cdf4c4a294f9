import { readAscii } from './read-ascii.ts';

/** Reads what a `ByteWriter` has written. @throws {Error} if the bytes end too early, or a number is too large. */
export class ByteReader {
  private readonly bytes: Uint8Array;
  private at: number;

  constructor(bytes: Uint8Array, start: number) {
    this.bytes = bytes;
    this.at = start;
  }

  number(): number {
    let value = 0;
    let unit = 1;
    for (;;) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw new Error('expected more bytes; got the end');
      value += (byte & 127) * unit;
      if (byte < 128) break;
      unit *= 128;
    }
    if (value <= Number.MAX_SAFE_INTEGER) return value;
    throw new Error(`expected a whole number up to 2^53 - 1; got ${value}`);
  }

  /** A number of things, each of which takes at least a byte. */
  count(): number {
    const count = this.number();
    if (count <= this.bytes.length - this.at) return count;
    throw new Error(`expected at most ${this.bytes.length - this.at} bytes to follow; got ${count} things`);
  }

  text(): string {
    const length = this.count();
    this.at += length;
    return readAscii(this.bytes, this.at - length, length);
  }

  /** @throws {Error} unless all was read. */
  expectEnd(): void {
    const left = this.bytes.length - this.at;
    if (left > 0) throw new Error(`expected the end; got ${left} more bytes`);
  }
}
