/** A growing buffer of UTF-8 text. Its methods append; a caller resets `length` to use it again. */
export class TextBytes {
  bytes: Uint8Array;
  length = 0;

  constructor(capacityBytes: number) {
    this.bytes = new Uint8Array(capacityBytes);
  }

  /** Makes room for `count` more bytes. `bytes` may be another array afterwards. */
  reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.length + count, 2 * this.bytes.length));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  /** Appends bytes. It loops: for a few bytes, a built-in function takes longer. */
  append(part: Uint8Array): void {
    this.reserve(part.length);
    const { bytes, length } = this;
    for (let at = 0; at < part.length; at++) bytes[length + at] = part[at] ?? 0;
    this.length = length + part.length;
  }

  /** Appends again what is between two positions. */
  repeat(from: number, to: number): void {
    this.reserve(to - from);
    this.bytes.copyWithin(this.length, from, to);
    this.length += to - from;
  }

  /** Appends a text. A lone surrogate becomes U+FFFD. */
  text(text: string): void {
    this.reserve(3 * text.length);
    const { bytes } = this;
    let { length } = this;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code >= FIRST_OF_TWO_BYTES) {
        this.length = length;
        this.appendPoints(text, at);
        return;
      }
      bytes[length++] = code;
    }
    this.length = length;
  }

  /** Appends a number as `String` writes it. Fast for whole numbers from 0 to 2^53 - 1. */
  number(value: number): void {
    if (!(value >= 0 && value <= Number.MAX_SAFE_INTEGER && Math.floor(value) === value)) {
      this.text(String(value));
      return;
    }
    if (value < BILLION) {
      this.digits(value, countDigits(value));
      return;
    }
    const low = value % BILLION;
    const high = (value - low) / BILLION;
    this.digits(high, countDigits(high));
    this.digits(low, 9);
  }

  /** Appends the last `width` digits of a whole number below a billion, with leading zeros. */
  digits(value: number, width: number): void {
    this.reserve(width);
    const { bytes, length } = this;
    let rest = value;
    for (let at = length + width - 1; at >= length; at--) {
      const tenth = Math.floor(rest / 10);
      bytes[at] = ZERO + rest - tenth * 10;
      rest = tenth;
    }
    this.length = length + width;
  }

  /** Appends the code points of `text` from `from` on. Room for three bytes a unit is reserved. */
  private appendPoints(text: string, from: number): void {
    const { bytes } = this;
    let { length } = this;
    for (let at = from; at < text.length; at++) {
      let point = text.codePointAt(at) ?? 0;
      if (point >= FIRST_OF_FOUR_BYTES) at++;
      if (point >= FIRST_SURROGATE && point <= LAST_SURROGATE) point = REPLACEMENT;
      if (point < FIRST_OF_TWO_BYTES) bytes[length++] = point;
      else {
        const following = point < FIRST_OF_THREE_BYTES ? 1 : point < FIRST_OF_FOUR_BYTES ? 2 : 3;
        bytes[length++] = (LEAD_OF[following] ?? 0) | (point >> (6 * following));
        for (let left = following - 1; left >= 0; left--)
          bytes[length++] = 0x80 | ((point >> (6 * left)) & 0x3f);
      }
    }
    this.length = length;
  }
}

const ZERO = 0x30;
const BILLION = 1_000_000_000;
const FIRST_OF_TWO_BYTES = 0x80;
const FIRST_OF_THREE_BYTES = 0x800;
const FIRST_OF_FOUR_BYTES = 0x1_0000;
const FIRST_SURROGATE = 0xd800;
const LAST_SURROGATE = 0xdfff;
const REPLACEMENT = 0xfffd;
/** The marks in the first byte of a code point, by the number of bytes that follow it. */
const LEAD_OF = [0, 0xc0, 0xe0, 0xf0];

/** Of a whole number below 2^53 / 10^9 or a billion: at most ten. */
function countDigits(value: number): number {
  let width = 1;
  for (let bound = 10; value >= bound; bound *= 10) width++;
  return width;
}
