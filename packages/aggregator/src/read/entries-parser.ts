import { isAscii } from 'node:buffer';
import type { DeliveredEntry } from './delivered-entry.ts';

/** What came of a chunk: more is needed, or the reply is complete and `rest` is what followed it. */
type ParseOutcome =
  | { readonly complete: false }
  | { readonly complete: true; readonly entries: DeliveredEntry[]; readonly rest: Buffer };

/** Reads one reply to XREADGROUP of one stream, chunk by chunk as it arrives. */
export interface EntriesParser {
  /**
   * @throws {Error} where the bytes are no such reply.
   */
  push(chunk: Buffer): ParseOutcome;
  /** True until the first chunk has come. */
  readonly untouched: boolean;
}

/**
 * Parser of `*1 *2 $key *n` and then n times `*2 $id *2m $name $value …`, or `*-1` for the fields of an entry that was
 * trimmed. Made for this one shape: a client's general parser, which builds nested arrays of what it is sent, takes more
 * time than all else that an aggregator does.
 *
 * Complete entries are taken from each chunk; only an entry that is cut by the chunk's end is looked at again.
 *
 * @see https://redis.io/docs/latest/develop/reference/protocol-spec/
 */
export function createEntriesParser(): EntriesParser {
  const entries: DeliveredEntry[] = [];
  let rest: Buffer = EMPTY;
  let expected: number | undefined;
  let untouched = true;

  return {
    get untouched() {
      return untouched;
    },
    push(chunk) {
      untouched = false;
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const reader = createReader(bytes);
      if (expected === undefined) {
        const header = readHeader(reader);
        if (header === INCOMPLETE) {
          rest = bytes;
          return { complete: false };
        }
        expected = header;
      }
      while (entries.length < expected) {
        const start = reader.at();
        const entry = readEntry(reader);
        if (entry === INCOMPLETE) {
          rest = bytes.subarray(start);
          return { complete: false };
        }
        entries.push(entry);
      }
      return { complete: true, entries, rest: bytes.subarray(reader.at()) };
    },
  };
}

const EMPTY = Buffer.alloc(0);
const INCOMPLETE = Symbol('incomplete');
type Incomplete = typeof INCOMPLETE;

const CR = 13;
const DOLLAR = 36;
const ASTERISK = 42;
const MINUS = 45;
const ZERO = 48;

/** Number of entries that follow. */
function readHeader(reader: Reader): number | Incomplete {
  const streams = reader.length(ASTERISK);
  if (streams === INCOMPLETE) return INCOMPLETE;
  const pair = reader.length(ASTERISK);
  if (pair === INCOMPLETE) return INCOMPLETE;
  if (reader.text() === INCOMPLETE) return INCOMPLETE;
  return reader.length(ASTERISK);
}

function readEntry(reader: Reader): DeliveredEntry | Incomplete {
  if (reader.length(ASTERISK) === INCOMPLETE) return INCOMPLETE;
  const id = reader.text();
  if (id === INCOMPLETE) return INCOMPLETE;
  const count = reader.length(ASTERISK);
  if (count === INCOMPLETE) return INCOMPLETE;
  if (count === -1) return { id, fields: undefined };
  const fields: string[] = [];
  for (let field = 0; field < count; field++) {
    const text = reader.text();
    if (text === INCOMPLETE) return INCOMPLETE;
    fields.push(text);
  }
  return { id, fields };
}

interface Reader {
  /** Where it has come to, in bytes. */
  at(): number;
  /** The number of a length line that begins with `kind`. */
  length(kind: number): number | Incomplete;
  /** A bulk string. */
  text(): string | Incomplete;
}

/** Reads all of `bytes` through one string where they are ASCII: cutting that is much faster than decoding each part. */
function createReader(bytes: Buffer): Reader {
  const ascii = isAscii(bytes);
  const all = bytes.toString('latin1');
  let position = 0;

  const length = (kind: number): number | Incomplete => {
    let at = position;
    if (at >= all.length) return INCOMPLETE;
    if (all.charCodeAt(at) !== kind) throw unexpected(all, at, kind);
    at++;
    const negative = all.charCodeAt(at) === MINUS;
    if (negative) at++;
    let value = 0;
    for (; at < all.length; at++) {
      const code = all.charCodeAt(at);
      if (code === CR) {
        if (at + 2 > all.length) return INCOMPLETE;
        position = at + 2;
        return negative ? -value : value;
      }
      value = value * 10 + (code - ZERO);
    }
    return INCOMPLETE;
  };

  return {
    at: () => position,
    length,
    text() {
      const before = position;
      const size = length(DOLLAR);
      if (size === INCOMPLETE) return INCOMPLETE;
      const start = position;
      const end = start + size;
      if (end + 2 > all.length) {
        position = before;
        return INCOMPLETE;
      }
      position = end + 2;
      return ascii ? all.substring(start, end) : bytes.toString('utf8', start, end);
    },
  };
}

function unexpected(all: string, at: number, kind: number): Error {
  const got = JSON.stringify(all.slice(at, at + 20));
  return new Error(`reply to XREADGROUP: expected ${JSON.stringify(String.fromCharCode(kind))}; got ${got}`);
}
