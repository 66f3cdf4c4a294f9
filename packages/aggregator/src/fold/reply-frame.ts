import type { ReceiveBuffer } from '@streamfold/core';

/** Where a reply to XREADGROUP is cut into entries: only the lengths are read, not what they are the lengths of. */
class FrameReader {
  at: number;
  private readonly source: ReceiveBuffer;

  constructor(source: ReceiveBuffer) {
    this.source = source;
    this.at = source.start;
  }

  /** The number of a length line that begins with `kind`; `undefined` if it has not all arrived. */
  length(kind: number): number | undefined {
    const { bytes, end } = this.source;
    if (this.at >= end) return undefined;
    if (bytes[this.at] !== kind) throw unexpected(this.source, this.at, kind);
    let at = this.at + 1;
    const isNegative = bytes[at] === MINUS;
    if (isNegative) at++;
    let length = 0;
    for (; at < end && bytes[at] !== CR; at++) length = length * 10 + (bytes[at] ?? 0) - ZERO;
    if (at + 2 > end) return undefined;
    this.at = at + 2;
    return isNegative ? -length : length;
  }

  /** Skips a bulk string. */
  skip(): 'skipped' | undefined {
    const length = this.length(DOLLAR);
    if (length === undefined || this.at + length + 2 > this.source.end) return undefined;
    this.at += length + 2;
    return 'skipped';
  }
}

/** Reads `*1 *2 $key *n`, or nothing if it has not all arrived. Returns the number of entries that follow. */
export function readHeader(source: ReceiveBuffer): number | undefined {
  const reader = new FrameReader(source);
  if (reader.length(ASTERISK) === undefined || reader.length(ASTERISK) === undefined) return undefined;
  if (reader.skip() === undefined) return undefined;
  const entries = reader.length(ASTERISK);
  if (entries !== undefined) source.start = reader.at;
  return entries;
}

/** Bytes of the next entry; `undefined` if it has not all arrived. Costs one step for each name and value. */
export function measureEntry(source: ReceiveBuffer): number | undefined {
  const reader = new FrameReader(source);
  if (reader.length(ASTERISK) === undefined || reader.skip() === undefined) return undefined;
  const texts = reader.length(ASTERISK);
  if (texts === undefined) return undefined;
  for (let text = 0; text < texts; text++) if (reader.skip() === undefined) return undefined;
  return reader.at - source.start;
}

function unexpected({ bytes, end }: ReceiveBuffer, at: number, kind: number): Error {
  const got = JSON.stringify(
    Buffer.from(bytes.subarray(at, Math.min(at + QUOTED_BYTES, end))).toString('latin1'),
  );
  return new Error(`reply to XREADGROUP: expected ${JSON.stringify(String.fromCharCode(kind))}; got ${got}`);
}

const CR = 13;
const DOLLAR = 36;
const ASTERISK = 42;
const MINUS = 45;
const ZERO = 48;
/** An unexpected reply is quoted up to this number of bytes. */
const QUOTED_BYTES = 20;
