import type { EntryId } from '@streamfold/core';
import type { LogEntry } from './entry-line.ts';

/**
 * Entries one after the other, at least one, as Redis writes them in a reply to XRANGE:
 * `*2 $id *2m $name $value $name $value …`.
 */
export interface EntryBytes {
  readonly bytes: Buffer;
  readonly count: number;
  readonly firstId: EntryId;
  readonly lastId: EntryId;
}

/** An entry as Redis writes it. */
export function encodeEntry(id: EntryId, fields: readonly (string | Buffer)[]): Buffer {
  const parts = [Buffer.from(`*2\r\n$${id.length}\r\n${id}\r\n*${fields.length}\r\n`)];
  for (const field of fields) {
    const bytes = Buffer.from(field);
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, LINE_END);
  }
  return Buffer.concat(parts);
}

/** Such entries as text; bytes that are not UTF-8 become U+FFFD. */
export function decodeEntries(bytes: Buffer): LogEntry[] {
  let at = 0;
  const readNumber = (): number => {
    let number = 0;
    for (let byte = bytes[++at] ?? CR; byte !== CR; byte = bytes[++at] ?? CR)
      number = number * 10 + byte - ZERO;
    at += 2;
    return number;
  };
  const readText = (): string => {
    const length = readNumber();
    const start = at;
    at += length + 2;
    return bytes.toString('utf8', start, start + length);
  };
  const entries: LogEntry[] = [];
  while (at < bytes.length) {
    readNumber(); // an entry is two things
    const id = readText();
    const fields: string[] = [];
    for (let left = readNumber(); left > 0; left--) fields.push(readText());
    entries.push({ id, fields });
  }
  return entries;
}

const LINE_END = Buffer.from('\r\n');
const CR = 13;
const ZERO = 48;
