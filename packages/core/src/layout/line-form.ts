import type { ReceiveBuffer } from '../bytes/receive-buffer.ts';
import type { SeenEvent, SeenField } from './compile-layout.ts';

/**
 * An entry as a line of a segment of an archive: `{"id":"1-0","fields":["name","value",…]}`. The fields of a flat entry are
 * read as those of JSON are, with `","` between a name and its value. In the text of a batch each `"` is `\"`.
 */

/** `{"id":"`, and what stands between the ID and the first field. */
export const LINE_HEAD = toBytes('{"id":"');
export const FIELDS_HEAD = toBytes('","fields":[');
/** The only field of a batch, up to its value. */
export const EVENTS_HEAD = toBytes('"events","');
/** Behind the text of a batch. */
export const BATCH_TAIL = toBytes('"]}\n');

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

/**
 * An event of a batch as it stands in a line: in the text of the batch each quote is escaped. Values have no quotes and no
 * backslashes (see `describeBatch`).
 */
export function escapeEvent({ fields, after }: SeenEvent): SeenEvent {
  return {
    fields: fields.map((field) => ({ ...field, before: escapeQuotes(field.before) })),
    after: escapeQuotes(after),
  };
}

function escapeQuotes(text: string): string {
  return text.replaceAll('"', String.raw`\"`);
}
