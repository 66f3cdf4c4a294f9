import { isAscii } from 'node:buffer';
import type { ParseOutcome, ReplyParser } from '@streamfold/redis';
import type { TakeEntry } from './delivered-entry.ts';

/** Reads one reply to XREADGROUP of one stream, chunk by chunk as it arrives. */
export type EntriesParser = ReplyParser;

/**
 * Parser of `*1 *2 $key *n` and then n times `*2 $id *2m $name $value …`, or `*-1` for the fields of an entry that was
 * trimmed. Made for this one shape: the general parser of a client, which builds nested arrays of every reply, takes more
 * time than everything else that an aggregator does.
 *
 * Complete values are taken from each chunk once; a value that is cut by the end of a chunk waits for the next one. So
 * the cost per byte is the same however large a value is, and however many there are. Only the beginning is kept of a
 * value too large to be folded, and a reply that grows too large is abandoned: the memory of a reply is bounded. Each
 * entry is passed on as soon as it is complete: thousands of them kept until the end of the reply would cost the
 * garbage collector more than everything else.
 *
 * @see https://redis.io/docs/latest/develop/reference/protocol-spec/
 */
export function createEntriesParser(take: TakeEntry): EntriesParser {
  return parseEntries(take, undefined);
}

/** Parser of one entry of such a reply, without what stands in front of the first. */
export function createEntryParser(take: TakeEntry): EntriesParser {
  return parseEntries(take, 1);
}

function parseEntries(take: TakeEntry, count: number | undefined): EntriesParser {
  let taken = 0;
  let names: readonly string[] = [];
  let held: Buffer[] = [];
  let heldBytes = 0;
  let neededBytes = 0;
  let expected = count;
  let open: OpenEntry | undefined;
  let untouched = true;
  /** Bytes still to come that only end a value whose beginning was enough. */
  let skipBytes = 0;
  let replyBytes = 0;

  const wait = (bytes: Buffer, reader: Reader): ParseOutcome => {
    skipBytes = Math.max(0, reader.at() - bytes.length);
    if (skipBytes > 0) {
      [held, heldBytes, neededBytes] = [[], 0, 0];
      return { complete: false };
    }
    held = [bytes.subarray(reader.at())];
    heldBytes = bytes.length - reader.at();
    neededBytes = reader.needed() - reader.at();
    return { complete: false };
  };

  return {
    get untouched() {
      return untouched;
    },
    push(received) {
      untouched = false;
      replyBytes += received.length;
      if (replyBytes > MAX_REPLY_BYTES && (expected ?? 0) > 1) throw tooLarge(expected ?? 0);
      const chunk = received.subarray(skipBytes);
      skipBytes -= received.length - chunk.length;
      if (skipBytes > 0) return { complete: false };
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
        if (readFields(reader, open, names) === INCOMPLETE || reader.at() > bytes.length)
          return wait(bytes, reader);
        const { id, fields, payloadBytes } = open;
        open = undefined;
        taken++;
        if (fields !== undefined) names = fields;
        take({ id, fields, payloadBytes });
      }
      return { complete: true, rest: bytes.subarray(reader.at()) };
    },
  };
}

/** A longer value is cut to this size: five times the largest that can be folded, so that it is still found too large. */
const KEPT_BYTES = 5 * 1024 * 1024;

/** A reply of several entries that is larger is given up: they stay pending, and are asked for again in smaller numbers. */
export const MAX_REPLY_BYTES = 32 * 1024 * 1024;

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
  payloadBytes: number;
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
  return { id, fields: texts === -1 ? undefined : [], texts, payloadBytes: 0 };
}

/**
 * Reads as many of the missing names and values as have arrived. Consecutive entries usually have the same names: those of
 * the previous entry are used again.
 */
function readFields(reader: Reader, open: OpenEntry, before: readonly string[]): Incomplete | undefined {
  const { fields = [], texts } = open;
  while (fields.length < texts) {
    const at = fields.length;
    const text = reader.text(at % 2 === 0 ? before[at] : undefined);
    if (text === INCOMPLETE) return INCOMPLETE;
    fields.push(text);
    open.payloadBytes += reader.size();
  }
  return undefined;
}

interface Reader {
  /** The current position, in bytes. */
  at(): number;
  goBack(to: number): void;
  /** After an incomplete part: the number of bytes, from the first, that must have arrived before more can be read. */
  needed(): number;
  /** The number of a length line that begins with `kind`. */
  length(kind: number): number | Incomplete;
  /** A bulk string, or the beginning of one that is too large; returns `known` itself if they are equal. */
  text(known?: string): string | Incomplete;
  /** Bytes of the latest bulk string. */
  size(): number;
}

/** Reads all of `bytes` through one string if they are ASCII: slicing it is much faster than decoding each part. */
function createReader(bytes: Buffer): Reader {
  const ascii = isAscii(bytes);
  const all = bytes.toString('latin1');
  let position = 0;
  let needed = 0;
  let lastSize = 0;

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
    size: () => lastSize,
    length,
    text(known) {
      const before = position;
      const size = length(DOLLAR);
      if (size === INCOMPLETE) return INCOMPLETE;
      const start = position;
      const end = start + Math.min(size, KEPT_BYTES);
      const enough = size > KEPT_BYTES ? end : end + 2;
      if (enough > all.length) {
        position = before;
        return incomplete(enough);
      }
      position = start + size + 2; // beyond the bytes that have arrived, if its end is still to come
      lastSize = size;
      if (known !== undefined && known.length === size && ascii && all.startsWith(known, start)) return known;
      return ascii ? all.substring(start, end) : bytes.toString('utf8', start, end);
    },
  };
}

function unexpected(all: string, at: number, kind: number): Error {
  const got = JSON.stringify(all.slice(at, at + 20));
  return new Error(`reply to XREADGROUP: expected ${JSON.stringify(String.fromCharCode(kind))}; got ${got}`);
}

export function tooLarge(entries: number): Error {
  return new Error(
    `reply to XREADGROUP: expected at most ${MAX_REPLY_BYTES} bytes; its ${entries} entries are larger and are asked for in smaller numbers`,
  );
}
