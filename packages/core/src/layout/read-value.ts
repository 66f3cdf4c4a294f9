import { CR, MINUS, NAME_BYTES, NAME_PAIRS, PLAIN_BYTES, POINT, ZERO } from '../bytes/byte-classes.ts';
import type { ReceiveBuffer } from '../bytes/receive-buffer.ts';
import { CLOCK, COUNT, DURATION, EXTRA, ID, ID_BYTES, LABEL, LABEL_BYTES, type Layout } from './layout.ts';
import { LENGTHS, NO_MATCH, NUMBERS, STARTS } from './matched-values.ts';

/**
 * Readers of values in a reply. Each returns the first byte that is not of its kind, or `NO_MATCH` if what is before that
 * is none of it; the caller knows what must follow. They accept less than `event/field.ts` does (no duration of eleven
 * digits, for instance): what they leave out is decoded the slow way.
 */

/** Bytes that ids are made of, at most `most`. */
export function readName(source: ReceiveBuffer, start: number, most: number): number {
  const { view } = source;
  let at = start;
  let pair = 0;
  while ((pair = NAME_PAIRS[view.getUint16(at, true)] ?? 0) === 2) {
    at += 2;
    if (at - start > most) return NO_MATCH;
  }
  at += pair;
  return at === start || at - start > most ? NO_MATCH : at;
}

/** Digits, at most `most`; at least one. */
function readDigits({ view, bytes }: ReceiveBuffer, start: number, most: number): number {
  let at = start;
  while (areDigits(view.getInt32(at, true))) at += 4;
  while (isDigit(bytes[at] ?? 0)) at++;
  return at === start || at - start > most ? NO_MATCH : at;
}

/** True if all four bytes of a word are digits, 0x30 to 0x39: the upper half of each is 3, and still is after 6 is added. */
function areDigits(word: number): boolean {
  return (word & 0xf0f0f0f0) === 0x30303030 && ((word + 0x06060606) & 0xf0f0f0f0) === 0x30303030;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= ZERO + 9;
}

/** Fewer digits than the longest duration has, in ms. */
const DURATION_DIGITS = 10;
/** Fewer digits than 2^53 has. */
const CLOCK_DIGITS = 15;
/** Fewer digits than a million has. */
const COUNT_DIGITS = 6;

/** Decimal milliseconds; the number is whole microseconds, rounded half up. */
export function readDuration({ bytes }: ReceiveBuffer, value: number): number {
  const start = STARTS[value] ?? 0;
  let at = start;
  let micros = 0;
  for (let digit = (bytes[at] ?? 0) - ZERO; digit >= 0 && digit <= 9; digit = (bytes[++at] ?? 0) - ZERO)
    micros = micros * 10 + digit;
  if (at === start || at - start > DURATION_DIGITS) return NO_MATCH;
  micros *= 1_000;
  if (bytes[at] === POINT) {
    const point = at++;
    let unit = 100;
    for (let digit = (bytes[at] ?? 0) - ZERO; digit >= 0 && digit <= 9; digit = (bytes[++at] ?? 0) - ZERO) {
      if (at - point <= 3) micros += digit * unit;
      else if (at - point === 4 && digit >= 5) micros++;
      unit = unit === 100 ? 10 : 1;
    }
    if (at === point + 1) return NO_MATCH;
  }
  NUMBERS[value] = micros;
  return at;
}

/** Decimal milliseconds since 1970. */
export function readClock(source: ReceiveBuffer, start: number): number {
  const point = readDigits(source, start, CLOCK_DIGITS);
  if (point === NO_MATCH || source.bytes[point] !== POINT) return point;
  return readDigits(source, point + 1, Number.MAX_SAFE_INTEGER);
}

function readCount(source: ReceiveBuffer, value: number): number {
  const start = STARTS[value] ?? 0;
  const end = readDigits(source, start, COUNT_DIGITS);
  let count = 0;
  for (let at = start; at < end; at++) count = count * 10 + (source.bytes[at] ?? 0) - ZERO;
  NUMBERS[value] = count;
  return end;
}

/** The ID of an entry (`1764000000000-0`): digits, a dash, digits. */
export function readIdText(source: ReceiveBuffer, start: number): number {
  const dash = readDigits(source, start, ID_DIGITS);
  if (dash === NO_MATCH || source.bytes[dash] !== MINUS) return NO_MATCH;
  return readDigits(source, dash + 1, ID_DIGITS);
}

/** Digits of 2^64. */
const ID_DIGITS = 20;

/** Printable ASCII that JSON writes without escapes. */
export function readPlain(source: ReceiveBuffer, start: number): number {
  let at = start;
  while (PLAIN_BYTES[source.bytes[at] ?? 0] === 1) at++;
  return at;
}

/** A number of JSON that JavaScript writes as it stands: digits, perhaps with a fraction, 15 at most. */
export function readJsonNumber(source: ReceiveBuffer, start: number): number {
  const { bytes } = source;
  const point = readDigits(source, start, CLOCK_DIGITS);
  if (point === NO_MATCH || (bytes[start] === ZERO && point > start + 1)) return NO_MATCH;
  if (bytes[point] !== POINT) return point;
  return readDigits(source, point + 1, CLOCK_DIGITS - (point - start));
}

/** A value of a kind without vocabulary that is not hashed; `EXTRA` is what JSON writes without escapes. */
export function readKind(source: ReceiveBuffer, value: number, kind: number): number {
  const start = STARTS[value] ?? 0;
  if (kind === ID) return readName(source, start, ID_BYTES);
  if (kind === LABEL) return readName(source, start, LABEL_BYTES);
  if (kind === DURATION) return readDuration(source, value);
  if (kind === CLOCK) return readClock(source, start);
  if (kind === COUNT) return readCount(source, value);
  return kind === EXTRA ? readPlain(source, start) : NO_MATCH;
}

/** True if a value is one of the words that its field may have. */
export function isWord({ vocabularies }: Layout, source: ReceiveBuffer, value: number): boolean {
  const words = vocabularies[value];
  if (words === undefined) return false;
  for (let at = 0; at < words.length; at++) {
    const word = words[at];
    if (word !== undefined && equals(source, value, word)) return true;
  }
  return false;
}

function equals({ bytes }: ReceiveBuffer, value: number, word: Uint8Array): boolean {
  const start = STARTS[value] ?? 0;
  if (word.length !== LENGTHS[value]) return false;
  for (let at = 0; at < word.length; at++) if (bytes[start + at] !== word[at]) return false;
  return true;
}

/** True if a value that is hashed may be part of a key. */
export function isValidPart(layout: Layout, source: ReceiveBuffer, value: number): boolean {
  const kind = layout.hashedKinds[value];
  if (kind !== ID && kind !== LABEL) return isWord(layout, source, value);
  const start = STARTS[value] ?? 0;
  const length = LENGTHS[value] ?? 0;
  if (length < 1 || length > (kind === ID ? ID_BYTES : LABEL_BYTES)) return false;
  for (let at = start; at < start + length; at++) if (NAME_BYTES[source.bytes[at] ?? 0] === 0) return false;
  return true;
}

/** The number of a length line (`16\r\n`) of at most eight digits; `NO_MATCH` if it is none, or has not all arrived. */
export function readLength(source: ReceiveBuffer, start: number): number {
  const { bytes } = source;
  let length = 0;
  for (let at = start; at < start + LENGTH_DIGITS; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === CR) return at === start ? NO_MATCH : length;
    if (!isDigit(byte)) return NO_MATCH;
    length = length * 10 + byte - ZERO;
  }
  return NO_MATCH;
}

const LENGTH_DIGITS = 9;

/** Digits that a length has. */
export function countDigits(length: number): number {
  let digits = 1;
  for (let rest = length; rest >= 10; rest = Math.floor(rest / 10)) digits++;
  return digits;
}
