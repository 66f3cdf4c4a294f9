import { readAscii } from './read-ascii.ts';
import { ReceiveBuffer } from './receive-buffer.ts';
import { TextTable } from './text-table.ts';

/** Reads what a `ByteWriter` has written. @throws {Error} if the bytes end too early, or a number is too large. */
export class ByteReader {
  private readonly source: ReceiveBuffer;

  /** `seed` is that of the hashes of keys. */
  constructor(seed: number) {
    this.source = new ReceiveBuffer(seed);
  }

  /** Begins to read these bytes. */
  begin(bytes: Uint8Array): void {
    this.source.clear();
    this.source.push(bytes);
  }

  number(): number {
    const { bytes, end } = this.source;
    let value = 0;
    let unit = 1;
    for (;;) {
      if (this.source.start >= end) throw new Error('delta: expected more bytes; got the end');
      const byte = bytes[this.source.start++] ?? 0;
      value += (byte & 127) * unit;
      if (byte < 128) break;
      unit *= 128;
    }
    if (value <= Number.MAX_SAFE_INTEGER) return value;
    throw new Error(`delta: expected a whole number up to 2^53 - 1; got ${value}`);
  }

  /** A number of things, each of which takes at least a byte. */
  count(): number {
    const count = this.number();
    const left = this.source.end - this.source.start;
    if (count <= left) return count;
    throw new Error(`delta: expected at most ${left} bytes to follow; got ${count} things`);
  }

  text(): string {
    const length = this.count();
    const { start } = this.source;
    this.source.start += length;
    return readAscii(this.source.bytes, start, length);
  }

  /** Where it has come to. */
  get position(): number {
    return this.source.start;
  }

  set position(to: number) {
    this.source.start = to;
  }

  skipText(): void {
    const length = this.count();
    this.source.start += length;
  }

  /** A table for `key`. */
  createTable(): TextTable {
    return new TextTable(this.source);
  }

  /** A text that comes again in other records, which `table` serves. */
  key(table: TextTable): string {
    const length = this.count();
    const { start } = this.source;
    this.source.start += length;
    return table.read(start, length);
  }

  /** @throws {Error} unless all was read. */
  expectEnd(): void {
    const left = this.source.end - this.source.start;
    if (left > 0) throw new Error(`delta: expected the end; got ${left} more bytes`);
  }
}
