import { decodeDelta, emptyDelta, type Delta, type Stamp } from '@streamfold/core';
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
  const [, previous = '', , watermark = '', kind, text = ''] = fields;
  const delta = (): Delta => {
    if (kind === 'delta') return decodeDelta(text);
    const lost = emptyDelta();
    lost.totals.lostEntries = Number(text);
    return lost;
  };
  return { position, previous, watermark, size: text.length, delta };
}
