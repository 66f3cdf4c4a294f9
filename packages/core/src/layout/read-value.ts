import { CR, MINUS, NAME_BYTES, NAME_PAIRS, PLAIN_BYTES, POINT, ZERO } from '../bytes/byte-classes.ts';
import type { ReceiveBuffer } from '../bytes/receive-buffer.ts';
import { CLOCK, COUNT, DURATION, EXTRA, ID, ID_BYTES, LABEL, LABEL_BYTES, type Layout } from './layout.ts';
import { NO_MATCH, type MatchedValues } from './matched-values.ts';

/**
 * Readers of values in a reply. Each returns the first byte that is not of its kind, or `NO_MATCH` if what is before that
 * is none of it; the caller knows what must follow. They accept less than `event/field.ts` does (no duration of eleven
 * digits, for instance): what they leave out is decoded the slow way.
 */

/** Bytes that ids are made of, at most `most`. */
function readName(source: ReceiveBuffer, start: number, most: number): number {
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
function readDigits(source: ReceiveBuffer, start: number, most: number): number {
  const { bytes } = source;
  let at = start;
  while (isDigit(bytes[at] ?? 0)) at++;
  return at === start || at - start > most ? NO_MATCH : at;
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
function readDuration(values: MatchedValues, value: number, start: number): number {
  const { bytes } = values.source;
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
  values.numbers[value] = micros;
  return at;
}

/** Decimal milliseconds since 1970. */
function readClock(source: ReceiveBuffer, start: number): number {
  const point = readDigits(source, start, CLOCK_DIGITS);
  if (point === NO_MATCH || source.bytes[point] !== POINT) return point;
  return readDigits(source, point + 1, Number.MAX_SAFE_INTEGER);
}

function readCount(values: MatchedValues, value: number, start: number): number {
  const end = readDigits(values.source, start, COUNT_DIGITS);
  let count = 0;
  for (let at = start; at < end; at++) count = count * 10 + (values.source.bytes[at] ?? 0) - ZERO;
  values.numbers[value] = count;
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
export function readKind(values: MatchedValues, value: number, kind: number): number {
  const { source } = values;
  const start = values.starts[value] ?? 0;
  if (kind === ID) return readName(source, start, ID_BYTES);
  if (kind === LABEL) return readName(source, start, LABEL_BYTES);
  if (kind === DURATION) return readDuration(values, value, start);
  if (kind === CLOCK) return readClock(source, start);
  if (kind === COUNT) return readCount(values, value, start);
  return kind === EXTRA ? readPlain(source, start) : NO_MATCH;
}

/** True if a value is one of the words that its field may have. */
export function isWord({ vocabularies }: Layout, { source, starts, lengths }: MatchedValues, value: number) {
  const start = starts[value] ?? 0;
  const length = lengths[value] ?? 0;
  for (const word of vocabularies[value] ?? []) if (equals(source, start, length, word)) return true;
  return false;
}

// oxlint-disable-next-line max-params -- called for every event
function equals({ bytes }: ReceiveBuffer, start: number, length: number, word: Uint8Array): boolean {
  if (word.length !== length) return false;
  for (let at = 0; at < length; at++) if (bytes[start + at] !== word[at]) return false;
  return true;
}

/** True if a value that is hashed may be part of a key. */
export function isValidPart(layout: Layout, values: MatchedValues, value: number): boolean {
  const kind = layout.hashedKinds[value];
  if (kind !== ID && kind !== LABEL) return isWord(layout, values, value);
  const start = values.starts[value] ?? 0;
  const length = values.lengths[value] ?? 0;
  if (length < 1 || length > (kind === ID ? ID_BYTES : LABEL_BYTES)) return false;
  for (let at = start; at < start + length; at++)
    if (NAME_BYTES[values.source.bytes[at] ?? 0] === 0) return false;
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
