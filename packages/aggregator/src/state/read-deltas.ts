import {
  createBinaryDeltaDecoder,
  decodeDelta,
  emptyDelta,
  isBinaryDelta,
  stampMs,
  type BatchColumns,
  type Delta,
  type Stamp,
} from '@streamfold/core';
import { replyField, toError, type GenerationKeys, type RedisConnection } from '@streamfold/redis';
import { HASH_SEED } from './hash-seed.ts';

/** ID of a record of the delta log; `0-0` is before the first. */
export type Position = string;

/**
 * Identifies one record of the delta log permanently. Its position alone does not: a Redis that has gone back to an older
 * state gives the same IDs to other records.
 */
export interface RecordName {
  readonly position: Position;
  /** Empty if an earlier version wrote the record, or at the start of the log; `undefined` if it is not known. */
  readonly nonce: string | undefined;
}

/** Before the first record. */
export const LOG_START: RecordName = { position: '0-0', nonce: '' };

/** True if both name the same record, as far as is known. */
export function isSameRecord(left: RecordName, right: RecordName): boolean {
  if (left.position !== right.position) return false;
  return left.nonce === undefined || right.nonce === undefined || left.nonce === right.nonce;
}

/** A record of the delta log. */
export interface DeltaRecord {
  readonly name: RecordName;
  /** The record before it. If that is not the one read last, the log was trimmed or rolled back. */
  readonly previous: RecordName;
  /** Every entry up to here had been folded; empty if the record does not say. */
  readonly watermark: Stamp;
  /** When it was appended, ms of Redis's clock. Its position runs ahead of that after the clock was set back. */
  readonly atMs: number;
  /** Series that come into being with this record were born then, ms of Redis's clock; see `births.ts`. */
  readonly bornMs: number;
  /** Bytes of the delta. */
  readonly size: number;
  /** Decoded when asked for. @throws {Error} if it is malformed. */
  readonly delta: () => Delta;
  /** The delta as it is stored, if that is the binary form. */
  readonly binary: Buffer | undefined;
  /** The same as the delta, if this process has just committed it. */
  readonly columns: BatchColumns | undefined;
}

/** Records read at once: a record is at most about 500 kB. */
const RECORDS_AT_ONCE = 64;

/**
 * XRANGE deltas (position + COUNT n
 *
 * The records after `position`, oldest first.
 *
 * @throws {Error} if one of them is malformed.
 */
export async function readDeltas(
  redis: RedisConnection,
  { deltas }: GenerationKeys,
  position: Position,
): Promise<DeltaRecord[]> {
  const records = await redis.xrangeBuffer(deltas, `(${position}`, '+', 'COUNT', RECORDS_AT_ONCE);
  return records.map(([id, fields]) =>
    toRecord(id.toString(), fields, `delta log ${deltas}, record ${String(id)}`),
  );
}

const RECORD_ID = /^\d{1,20}-\d{1,20}$/;

/** An earlier version writes neither nonces nor `at_ms`. */
function toRecord(position: Position, stored: readonly Buffer[], where: string): DeltaRecord {
  const content = stored[CONTENT] ?? Buffer.alloc(0);
  const fields = stored.map((bytes, at) => (at === CONTENT ? '' : bytes.toString()));
  const [, , , , kind = '', , mode, oldest] = fields;
  const field = (name: string): string | undefined => {
    const value = replyField(fields, name);
    return value === undefined ? undefined : String(value);
  };
  const previous = expectField(where, { name: 'previous', value: field('previous'), pattern: RECORD_ID });
  const watermark = expectField(where, {
    name: 'watermark',
    value: field('watermark'),
    pattern: /^$|^\d+-\d+(-\d+)?$/,
  });
  const atMs = Number(
    expectField(where, { name: 'at_ms', value: field('at_ms') ?? String(stampMs(position)), pattern: COUNT }),
  );
  return {
    name: { position, nonce: field('nonce') ?? '' },
    previous: { position: previous, nonce: field('previous_nonce') },
    watermark,
    atMs,
    bornMs: readBornMs({ atMs, mode, oldest }),
    size: content.length,
    delta: () => decodeRecord(where, kind, content),
    binary: kind === 'delta' && isBinaryDelta(content) ? content : undefined,
    columns: undefined,
  };
}

/** Place of the delta among the names and values of a record. */
const CONTENT = 5;

const COUNT = /^\d{1,15}$/;

function expectField(
  where: string,
  { name, value, pattern }: { name: string; value: string | undefined; pattern: RegExp },
): string {
  if (value !== undefined && pattern.test(value)) return value;
  throw new Error(`${where}: expected ${name} of the form ${pattern.source}; got ${JSON.stringify(value)}`);
}

const decoder = createBinaryDeltaDecoder(HASH_SEED);

/** Reads a delta in either form. @throws {Error} if it is malformed. */
export function decodeContent(content: Buffer): Delta {
  return isBinaryDelta(content) ? decoder.decode(content) : decodeDelta(content.toString());
}

function decodeRecord(where: string, kind: string, content: Buffer): Delta {
  if (kind === 'lost') {
    const lost = emptyDelta();
    lost.totals.lostEntries = Number(
      expectField(where, { name: 'lost', value: content.toString(), pattern: COUNT }),
    );
    return lost;
  }
  if (kind !== 'delta') throw new Error(`${where}: expected delta or lost; got ${JSON.stringify(kind)}`);
  try {
    return decodeContent(content);
  } catch (cause) {
    const why = toError(cause).message;
    throw new Error(`${where}: ${why}`, { cause });
  }
}

/**
 * Entries folded this long after they were appended, or later, are history: the stream before the first start of an
 * aggregator, or an outage during which Prometheus has seen nothing either. Their series do not count as new.
 */
const HISTORY_MS = 3_600_000;

/**
 * The birth time of the series that a record brings. For a live commit: the time of the commit, because nobody can have
 * shown them before, however late it was. For a replay: the time of the oldest event of the batch. The replaced generation
 * has shown them since then or later, so a series that is old there is never young here.
 */
export function readBornMs(record: {
  atMs: number;
  mode: string | undefined;
  oldest: string | undefined;
}): number {
  const { atMs, mode, oldest } = record;
  if (oldest === undefined) return 0;
  const oldestMs = stampMs(oldest);
  const isNew = mode === 'live' && atMs - oldestMs < HISTORY_MS;
  return isNew ? atMs : Math.min(oldestMs, atMs);
}
