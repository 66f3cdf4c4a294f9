import { isExact } from '../event/define-event.ts';
import { NAME_CHARACTERS, type PlainForm } from '../event/field.ts';
import { toPlainDecimal } from '../event/plain-decimal.ts';
import { toFixedText, writeFixedText, type FixedText, type Place } from './fixed-text.ts';

/**
 * Writes a value at `at`, looking at every character. Returns the end of what it wrote, or `NOT_PLAIN`: then the bytes from
 * `at` on mean nothing. The caller makes sure that there is room for `mostBytes` of the value.
 */
export type ValueWriter = (place: Place, at: number, value: unknown) => number;

/** The value is not of the form that the writer writes. It may be valid all the same. */
export const NOT_PLAIN = -1;

/** A number takes at most this number of bytes: a sign, digits, a point and twenty digits more. */
const NUMBER_BYTES = 40;

/** The bytes that a value takes at most if it is plain. */
export function mostBytes(value: unknown): number {
  return typeof value === 'string' ? value.length : NUMBER_BYTES;
}

/** The writer of the plain texts of a kind of field, and of numbers if its texts are numbers. */
export function createValueWriter(form: PlainForm): ValueWriter {
  switch (form.form) {
    case 'name':
      return createNameWriter(form.most);
    case 'word':
      return createWordWriter(form.words);
    case 'whole':
      return createDecimalWriter(form.digits, false);
    case 'decimal':
      return createDecimalWriter(form.digits, true);
  }
}

const ZERO = 48;
const POINT = 46;
const SPACE = 32;
const QUOTE = 34;
const BACKSLASH = 92;
const TILDE = 126;

function createNameWriter(most: number): ValueWriter {
  return (place, at, value) =>
    typeof value === 'string' && value.length <= most ? writeName(place, at, value) : NOT_PLAIN;
}

/** Writes an id or a label, whose length was looked at. */
export function writeName({ bytes }: Place, at: number, name: string): number {
  const { length } = name;
  if (length === 0) return NOT_PLAIN;
  for (let index = 0; index < length; index++) {
    const code = name.charCodeAt(index);
    if (code > TILDE || NAME_CHARACTERS[code] === 0) return NOT_PLAIN;
    bytes[at + index] = code;
  }
  return at + length;
}

function createWordWriter(words: ReadonlySet<string>): ValueWriter {
  const texts = new Map<unknown, FixedText>();
  for (const word of words) texts.set(word, toFixedText(word));
  return (place, at, value) => {
    const text = texts.get(value);
    return text === undefined ? NOT_PLAIN : writeFixedText(place.view, at, text);
  };
}

function createDecimalWriter(mostDigits: number, mayHavePoint: boolean): ValueWriter {
  const most = 10 ** mostDigits - 1;
  const writeText = ({ bytes }: Place, at: number, text: string): number => {
    const { length } = text;
    let digits = 0;
    let point = -1;
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index);
      if (code === POINT && point === -1 && index > 0 && mayHavePoint) point = index;
      else if (code < ZERO || code > ZERO + 9) return NOT_PLAIN;
      else if (point === -1) digits++;
      bytes[at + index] = code;
    }
    const isPlain = digits > 0 && digits <= mostDigits && point !== length - 1;
    return isPlain ? at + length : NOT_PLAIN;
  };
  return (place, at, value) => {
    if (typeof value === 'string') return writeText(place, at, value);
    if (typeof value !== 'number' || !(value >= 0 && value <= most)) return NOT_PLAIN;
    return Number.isInteger(value)
      ? writeInteger(place, at, value)
      : writeText(place, at, toPlainDecimal(value));
  };
}

/** Writes an extra field: a text that JSON writes without escapes, or a number. */
export function writeExtra(place: Place, at: number, value: unknown): number {
  if (typeof value === 'string') return writePrintable(place, at, value);
  if (typeof value !== 'number' || !isExact(value)) return NOT_PLAIN;
  return writePrintable(place, at, toPlainDecimal(value));
}

/** Writes a text of ASCII that JSON writes as it is. */
function writePrintable({ bytes }: Place, at: number, text: string): number {
  const { length } = text;
  for (let index = 0; index < length; index++) {
    const code = text.charCodeAt(index);
    if (code < SPACE || code > TILDE || code === QUOTE || code === BACKSLASH) return NOT_PLAIN;
    bytes[at + index] = code;
  }
  return at + length;
}

/** Whole numbers below this are divided as 32-bit integers. */
const SMALL = 1e9;

/** Writes the digits of a whole number from 0 to 2^53, the last one first. */
function writeInteger({ bytes }: Place, at: number, value: number): number {
  const end = at + countDigits(value);
  let index = end;
  let large = value;
  while (large >= SMALL) {
    const tenth = Math.floor(large / 10);
    bytes[--index] = ZERO + (large - tenth * 10);
    large = tenth;
  }
  let small = large | 0;
  while (index > at) {
    const tenth = (small / 10) | 0;
    bytes[--index] = ZERO + (small - tenth * 10);
    small = tenth;
  }
  return end;
}

function countDigits(value: number): number {
  let digits = 1;
  for (let power = 10; value >= power; power *= 10) digits++;
  return digits;
}
