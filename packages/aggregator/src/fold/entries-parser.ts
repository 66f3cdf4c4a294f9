import { isAscii } from 'node:buffer';
import type { TakeEntry } from './delivered-entry.ts';

/** What came of a chunk: more is needed, or the reply is complete and `rest` is what followed it. */
export type ParseOutcome = { readonly complete: false } | { readonly complete: true; readonly rest: Buffer };

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
 * What is complete is taken from each chunk once; a value that the chunk's end cuts is waited for. So it costs the same
 * per byte however large a value is, and however many there are. Each entry is given away as soon as it is complete:
 * thousands of them kept until the reply is would live long enough to cost the garbage collector more than all else.
 *
 * @see https://redis.io/docs/latest/develop/reference/protocol-spec/
 */
export function createEntriesParser(take: TakeEntry): EntriesParser {
  let taken = 0;
  let names: readonly string[] = [];
  let held: Buffer[] = [];
  let heldBytes = 0;
  let neededBytes = 0;
  let expected: number | undefined;
  let open: OpenEntry | undefined;
  let untouched = true;

  const wait = (bytes: Buffer, reader: Reader): ParseOutcome => {
    held = [bytes.subarray(reader.at())];
    heldBytes = bytes.length - reader.at();
    neededBytes = reader.needed() - reader.at();
    return { complete: false };
  };

  return {
    get untouched() {
      return untouched;
    },
    push(chunk) {
      untouched = false;
      held.push(chunk);
      heldBytes += chunk.length;
      if (heldBytes < neededBytes) return { complete: false };
      const bytes = held.length === 1 ? chunk : Buffer.concat(held);
      const reader = createReader(bytes);
      if (expected === undefined) {
        const header = readHeader(reader);
        if (header === INCOMPLETE) return wait(bytes, reader);
        expected = header;
      }
      while (taken < expected) {
        if (open === undefined) {
          const opened = openEntry(reader);
          if (opened === INCOMPLETE) return wait(bytes, reader);
          open = opened;
        }
        if (readFields(reader, open, names) === INCOMPLETE) return wait(bytes, reader);
        const { id, fields } = open;
        open = undefined;
        taken++;
        if (fields !== undefined) names = fields;
        take({ id, fields });
      }
      return { complete: true, rest: bytes.subarray(reader.at()) };
    },
  };
}

const INCOMPLETE = Symbol('incomplete');
type Incomplete = typeof INCOMPLETE;

const CR = 13;
const DOLLAR = 36;
const ASTERISK = 42;
const MINUS = 45;
const ZERO = 48;

/** An entry whose `texts` names and values (-1: it was trimmed) are not all read yet. */
interface OpenEntry {
  readonly id: string;
  readonly fields: string[] | undefined;
  readonly texts: number;
}

/** Number of entries that follow. Reads all of it or nothing. */
function readHeader(reader: Reader): number | Incomplete {
  const start = reader.at();
  const streams = reader.length(ASTERISK);
  const pair = streams === INCOMPLETE ? INCOMPLETE : reader.length(ASTERISK);
  const key = pair === INCOMPLETE ? INCOMPLETE : reader.text();
  const count = key === INCOMPLETE ? INCOMPLETE : reader.length(ASTERISK);
  if (count === INCOMPLETE) reader.goBack(start);
  return count;
}

/** The beginning of an entry, up to its fields. Reads all of it or nothing. */
function openEntry(reader: Reader): OpenEntry | Incomplete {
  const start = reader.at();
  const pair = reader.length(ASTERISK);
  const id = pair === INCOMPLETE ? INCOMPLETE : reader.text();
  const texts = id === INCOMPLETE ? INCOMPLETE : reader.length(ASTERISK);
  if (id === INCOMPLETE || texts === INCOMPLETE) {
    reader.goBack(start);
    return INCOMPLETE;
  }
  return { id, fields: texts === -1 ? undefined : [], texts };
}

/**
 * Reads what is there of the names and values that are still missing. Entries that follow each other mostly have the same
 * names: those of the entry before are used again.
 */
function readFields(
  reader: Reader,
  { fields = [], texts }: OpenEntry,
  before: readonly string[],
): Incomplete | undefined {
  while (fields.length < texts) {
    const at = fields.length;
    const text = reader.text(at % 2 === 0 ? before[at] : undefined);
    if (text === INCOMPLETE) return INCOMPLETE;
    fields.push(text);
  }
  return undefined;
}

interface Reader {
  /** Where it has come to, in bytes. */
  at(): number;
  goBack(to: number): void;
  /** After something was incomplete: how many bytes, from the first, there must be for more to be read. */
  needed(): number;
  /** The number of a length line that begins with `kind`. */
  length(kind: number): number | Incomplete;
  /** A bulk string; where it is the same as `known`, that very one. */
  text(known?: string): string | Incomplete;
}

/** Reads all of `bytes` through one string where they are ASCII: cutting that is much faster than decoding each part. */
function createReader(bytes: Buffer): Reader {
  const ascii = isAscii(bytes);
  const all = bytes.toString('latin1');
  let position = 0;
  let needed = 0;

  const incomplete = (bytesNeeded: number): Incomplete => {
    needed = bytesNeeded;
    return INCOMPLETE;
  };
  const length = (kind: number): number | Incomplete => {
    let at = position;
    if (at >= all.length) return incomplete(all.length + 1);
    if (all.charCodeAt(at) !== kind) throw unexpected(all, at, kind);
    at++;
    const negative = all.charCodeAt(at) === MINUS;
    if (negative) at++;
    let value = 0;
    for (; at < all.length; at++) {
      const code = all.charCodeAt(at);
      if (code === CR) {
        if (at + 2 > all.length) return incomplete(at + 2);
        position = at + 2;
        return negative ? -value : value;
      }
      value = value * 10 + (code - ZERO);
    }
    return incomplete(all.length + 1);
  };

  return {
    at: () => position,
    goBack(to) {
      position = to;
    },
    needed: () => needed,
    length,
    text(known) {
      const before = position;
      const size = length(DOLLAR);
      if (size === INCOMPLETE) return INCOMPLETE;
      const start = position;
      const end = start + size;
      if (end + 2 > all.length) {
        position = before;
        return incomplete(end + 2);
      }
      position = end + 2;
      if (known !== undefined && known.length === size && ascii && all.startsWith(known, start)) return known;
      return ascii ? all.substring(start, end) : bytes.toString('utf8', start, end);
    },
  };
}

function unexpected(all: string, at: number, kind: number): Error {
  const got = JSON.stringify(all.slice(at, at + 20));
  return new Error(`reply to XREADGROUP: expected ${JSON.stringify(String.fromCharCode(kind))}; got ${got}`);
}
