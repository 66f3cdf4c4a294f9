import { QUOTE } from '../bytes/byte-classes.ts';
import type { ReceiveBuffer } from '../bytes/receive-buffer.ts';
import type { SeenEvent, SeenField } from './compile-layout.ts';
import { NO_MATCH } from './matched-values.ts';

/**
 * An entry as a line of a segment of an archive: `{"id":"1-0","fields":["name","value",…]}`. The fields of a flat entry are
 * read as those of JSON are, with `","` between a name and its value. A batch is a text in which `"` and `\` are escaped.
 */

/** `{"id":"`, and what stands between the ID and the first field. */
export const LINE_HEAD = toBytes('{"id":"');
export const FIELDS_HEAD = toBytes('","fields":[');
/** The only field of a batch, up to its value. */
export const EVENTS_HEAD = toBytes('"events","');
/** Behind the value of the last field. */
export const LINE_TAIL = toBytes(']}\n');

function toBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** True if these bytes begin at `start`. */
export function isAt({ bytes }: ReceiveBuffer, start: number, text: Uint8Array): boolean {
  for (let at = 0; at < text.length; at++) if (bytes[start + at] !== text[at]) return false;
  return true;
}

/** Printable ASCII that JSON writes without escapes. */
const PLAIN = /^[ !#-[\]-~]*$/;

/** The fields of a flat entry as they stand in a line; `undefined` if some of them are escaped or of another alphabet. */
export function describeLine(fields: readonly string[]): SeenEvent | undefined {
  if (!fields.every((text) => PLAIN.test(text))) return undefined;
  const seen: SeenField[] = [];
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] ?? '';
    const value = fields[at + 1] ?? '';
    const before = `${at === 0 ? '"' : '","'}${name}","`;
    seen.push({ name, value, isNumber: false, before, constant: value });
  }
  return { fields: seen, after: '"]}\n' };
}

/** A text with `"` and `\` as its only escapes, before and after they are removed. */
export interface UnescapedText {
  /** The end of the text. */
  end: number;
  /** Its closing quote, before. */
  quote: number;
}

/** Removes the escapes of a text that begins at `start`, in its place. `NO_MATCH` if it has others: it is then void. */
export function unescapeText(source: ReceiveBuffer, start: number, unescaped: UnescapedText): number {
  const { bytes, end } = source;
  let to = start;
  let at = start;
  for (let byte = bytes[at] ?? 0; byte !== QUOTE; byte = bytes[++at] ?? 0) {
    if (at >= end) return NO_MATCH;
    if (byte === BACKSLASH) {
      byte = bytes[++at] ?? 0;
      if (byte !== QUOTE && byte !== BACKSLASH) return NO_MATCH;
    }
    bytes[to++] = byte;
  }
  unescaped.end = to;
  unescaped.quote = at;
  return to;
}

const BACKSLASH = 92;
