import { isUtf8 } from 'node:buffer';
import type { EntryId } from '@streamfold/core';

/** An entry: its ID, and its fields as name, value, name, value …. */
export interface LogEntry {
  readonly id: EntryId;
  readonly fields: string[];
}

/** A field that is not UTF-8 is written as an object, so that no byte of it is lost. */
interface Base64Field {
  readonly base64: string;
}

/** One line of a segment, without its end: `{"id":"…","fields":["type","…",…]}`. */
export function encodeLine(id: EntryId, fields: readonly Buffer[]): string {
  return JSON.stringify({ id, fields: fields.map(encodeField) });
}

function encodeField(field: Buffer): string | Base64Field {
  return isUtf8(field) ? field.toString('utf8') : { base64: field.toString('base64') };
}

/** The entry of a line; bytes that are not UTF-8 become U+FFFD, as when a client reads the stream. */
export function decodeLine(line: string): LogEntry {
  const entry = parseLine(line);
  const { fields } = entry;
  for (let at = 0; at < fields.length; at++) {
    if (typeof fields[at] !== 'string') return { id: entry.id, fields: toBytes(entry).map(String) };
  }
  return entry as LogEntry;
}

/** The entry of a line, byte for byte as it was in the stream. */
export function decodeLineBytes(line: string): { readonly id: EntryId; readonly fields: Buffer[] } {
  const entry = parseLine(line);
  return { id: entry.id, fields: toBytes(entry) };
}

interface StoredEntry {
  readonly id: EntryId;
  readonly fields: (string | Base64Field)[];
}

/** The digest of the segment was checked before: a line is as it was written. */
function parseLine(line: string): StoredEntry {
  return JSON.parse(line) as StoredEntry;
}

function toBytes({ fields }: StoredEntry): Buffer[] {
  return fields.map((field) =>
    typeof field === 'string' ? Buffer.from(field) : Buffer.from(field.base64, 'base64'),
  );
}
