import { decodeDelta, emptyDelta, stampMs, type Delta, type Stamp } from '@streamfold/core';
import type { GenerationKeys, RedisConnection } from '@streamfold/redis';

/** ID of a record of the delta log; `0-0` is before the first. */
export type Position = string;

export const LOG_START: Position = '0-0';

/** A record of the delta log. */
export interface DeltaRecord {
  readonly position: Position;
  /** The record before it; where that is not the one read last, the log was trimmed or rolled back. */
  readonly previous: Position;
  /** Every entry up to here had been folded; empty where the record does not say. */
  readonly watermark: Stamp;
  /** Series that come into being with this record were born then, ms of Redis's clock; see `births.ts`. */
  readonly bornMs: number;
  /** Characters of the delta's text. */
  readonly size: number;
  /** Decoded when asked for. */
  readonly delta: () => Delta;
}

/** Records read at once: a record is at most some 500 kB. */
const RECORDS_AT_ONCE = 64;

/** XRANGE deltas (position + COUNT n: the records after `position`, oldest first. */
export async function readDeltas(
  redis: RedisConnection,
  { deltas }: GenerationKeys,
  position: Position,
): Promise<DeltaRecord[]> {
  return (await redis.xrange(deltas, `(${position}`, '+', 'COUNT', RECORDS_AT_ONCE)).map(toRecord);
}

function toRecord([position, fields]: [string, string[]]): DeltaRecord {
  const [, previous = '', , watermark = '', kind, text = '', mode, oldest] = fields;
  const delta = (): Delta => {
    if (kind === 'delta') return decodeDelta(text);
    const lost = emptyDelta();
    lost.totals.lostEntries = Number(text);
    return lost;
  };
  const bornMs = readBornMs({ recordMs: stampMs(position), mode, oldest });
  return { position, previous, watermark, bornMs, size: text.length, delta };
}

/**
 * What is folded so long after it was appended, or even later, is history: the stream before the first start of an
 * aggregator, or an outage of which Prometheus has seen nothing either. Its series do not count as new.
 */
const HISTORY_MS = 3_600_000;

/**
 * When the series that a record brings were born. By a live commit: at that commit, since nobody can have shown them
 * before, however late it was. By a replay: with the oldest event of the batch. The generation that is replaced has shown
 * them since then or later, so a series that has come of age there is never young here.
 */
function readBornMs(record: {
  recordMs: number;
  mode: string | undefined;
  oldest: string | undefined;
}): number {
  const { recordMs, mode, oldest } = record;
  if (oldest === undefined) return 0;
  const oldestMs = stampMs(oldest);
  const isNew = mode === 'live' && recordMs - oldestMs < HISTORY_MS;
  return isNew ? recordMs : Math.min(oldestMs, recordMs);
}
