import { decodeEntries } from './entry-bytes.ts';
import { decodeLine, type LogEntry } from './entry-line.ts';

/** Some entries of a log, at least one, as bytes: they can be folded as they stand. */
export interface StoredEntries {
  /**
   * `reply`: as Redis writes them in a reply to XRANGE, one after the other: `*2 $id *2m $name $value …`.
   * `lines`: lines of a segment, each with its line break: `{"id":"…","fields":["name","value",…]}`.
   */
  readonly form: 'reply' | 'lines';
  readonly bytes: Buffer;
}

const NEWLINE = 10;

/** The entries as text; bytes that are not UTF-8 become U+FFFD. */
export function decodeStored({ form, bytes }: StoredEntries): LogEntry[] {
  if (form === 'reply') return decodeEntries(bytes);
  const entries: LogEntry[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(NEWLINE, at);
    entries.push(decodeLine(bytes.toString('utf8', at, end)));
    at = end + 1;
  }
  return entries;
}
