import { isExact } from '../event/define-event.ts';
import { NAME_CHARACTERS, type PlainForm } from '../event/field.ts';
import { toPlainDecimal } from '../event/plain-decimal.ts';
import { toFixedText, writeFixedText, type FixedText } from './fixed-text.ts';

/**
 * Writes a value at `at`, looking at every character. Returns the end of what it wrote, or `NOT_PLAIN`: then the bytes from
 * `at` on mean nothing. The caller makes sure that there is room for `mostBytes` of the value.
 */
export type ValueWriter = (view: DataView, at: number, value: unknown) => number;

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
/** The last code of ASCII. */
const DELETE = 127;

function createNameWriter(most: number): ValueWriter {
  return (view, at, value) =>
    typeof value === 'string' && value.length <= most ? writeName(view, at, value) : NOT_PLAIN;
}

/** Writes an id or a label, whose length was looked at: four characters at a time, as long as there are four. */
export function writeName(view: DataView, at: number, name: string): number {
  const { length } = name;
  let all = 0;
  let areAllowed = length === 0 ? 0 : 1;
  let index = 0;
  for (; index + 3 < length; index += 4) {
    const first = name.charCodeAt(index);
    const second = name.charCodeAt(index + 1);
    const third = name.charCodeAt(index + 2);
    const fourth = name.charCodeAt(index + 3);
    all |= first | second | third | fourth;
    areAllowed &= isAllowed(first) & isAllowed(second) & isAllowed(third) & isAllowed(fourth);
    view.setInt32(at + index, first | (second << 8) | (third << 16) | (fourth << 24), true);
  }
  for (; index < length; index++) {
    const code = name.charCodeAt(index);
    all |= code;
    areAllowed &= isAllowed(code);
    view.setUint8(at + index, code);
  }
  return areAllowed === 0 || all > DELETE ? NOT_PLAIN : at + length;
}

/** 1 or 0, of the lowest seven bits of a code alone. */
function isAllowed(code: number): number {
  return NAME_CHARACTERS[code & DELETE] ?? 0;
}

function createWordWriter(words: ReadonlySet<string>): ValueWriter {
  const texts = new Map<unknown, FixedText>();
  for (const word of words) texts.set(word, toFixedText(word));
  return (view, at, value) => {
    const text = texts.get(value);
    return text === undefined ? NOT_PLAIN : writeFixedText(view, at, text);
  };
}

function createDecimalWriter(mostDigits: number, mayHavePoint: boolean): ValueWriter {
  const most = 10 ** mostDigits - 1;
  const writeText = (view: DataView, at: number, text: string): number => {
    const { length } = text;
    let digits = 0;
    let point = -1;
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index);
      if (code === POINT && point === -1 && index > 0 && mayHavePoint) point = index;
      else if (code < ZERO || code > ZERO + 9) return NOT_PLAIN;
      else if (point === -1) digits++;
      view.setUint8(at + index, code);
    }
    const isPlain = digits > 0 && digits <= mostDigits && point !== length - 1;
    return isPlain ? at + length : NOT_PLAIN;
  };
  return (view, at, value) => {
    if (typeof value === 'string') return writeText(view, at, value);
    if (typeof value !== 'number' || !(value >= 0 && value <= most)) return NOT_PLAIN;
    return Number.isInteger(value)
      ? writeInteger(view, at, value)
      : writeText(view, at, toPlainDecimal(value));
  };
}

/** Writes an extra field: a text that JSON writes without escapes, or a number. */
export function writeExtra(view: DataView, at: number, value: unknown): number {
  if (typeof value === 'string') return writePrintable(view, at, value);
  if (typeof value !== 'number' || !isExact(value)) return NOT_PLAIN;
  return writePrintable(view, at, toPlainDecimal(value));
}

/** Writes a text of ASCII that JSON writes as it is. */
function writePrintable(view: DataView, at: number, text: string): number {
  const { length } = text;
  for (let index = 0; index < length; index++) {
    const code = text.charCodeAt(index);
    if (code < SPACE || code > TILDE || code === QUOTE || code === BACKSLASH) return NOT_PLAIN;
    view.setUint8(at + index, code);
  }
  return at + length;
}

/** Whole numbers below this are divided as 32-bit integers. */
const SMALL = 1e9;

/** Writes the digits of a whole number from 0 to 2^53, the last one first. */
function writeInteger(view: DataView, at: number, value: number): number {
  const end = at + countDigits(value);
  let index = end;
  let large = value;
  while (large >= SMALL) {
    const tenth = Math.floor(large / 10);
    view.setUint8(--index, ZERO + (large - tenth * 10));
    large = tenth;
  }
  let small = large | 0;
  while (index > at) {
    const tenth = (small / 10) | 0;
    view.setUint8(--index, ZERO + (small - tenth * 10));
    small = tenth;
  }
  return end;
}

function countDigits(value: number): number {
  let digits = 1;
  for (let power = 10; value >= power; power *= 10) digits++;
  return digits;
}
