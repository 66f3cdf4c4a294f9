/** Writes numbers and texts as bytes. One is used again for each record. */
export class ByteWriter {
  bytes = new Uint8Array(1 << 16);
  end = 0;

  clear(): void {
    this.end = 0;
  }

  private makeRoom(bytes: number): void {
    if (this.end + bytes <= this.bytes.length) return;
    const before = this.bytes;
    this.bytes = new Uint8Array(2 * before.length + bytes);
    this.bytes.set(before);
  }

  /** A whole number from 0 to 2^53 - 1: seven bits a byte, the low ones first; the high bit says that more follow. */
  number(value: number): void {
    this.makeRoom(NUMBER_BYTES);
    const { bytes } = this;
    let rest = value;
    for (; rest >= 2 ** 31; rest = Math.floor(rest / 128)) bytes[this.end++] = (rest % 128) | 128;
    for (; rest > 127; rest >>>= 7) bytes[this.end++] = (rest & 127) | 128;
    bytes[this.end++] = rest;
  }

  /** A text in ASCII: its length and its bytes. */
  text(text: string): void {
    this.number(text.length);
    this.makeRoom(text.length);
    for (let at = 0; at < text.length; at++) this.bytes[this.end++] = text.charCodeAt(at);
  }

  /** The same of bytes. */
  copy(from: Uint8Array, start: number, length: number): void {
    this.number(length);
    this.makeRoom(length);
    const { bytes, end } = this;
    for (let at = 0; at < length; at++) bytes[end + at] = from[start + at] ?? 0;
    this.end = end + length;
  }

  /** A copy of what was written. */
  take(): Uint8Array {
    return this.bytes.slice(0, this.end);
  }
}

const NUMBER_BYTES = 8;
