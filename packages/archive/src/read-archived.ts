import type { EntryId } from '@streamfold/core';
import { type RedisConnection, type Shard, shardKeys } from '@streamfold/redis';

/** How far a shard is archived, as Redis has recorded it; the archive itself may be a segment further. */
export interface Archived {
  readonly lastId: EntryId;
  /** Sequence number of the segment that ends with it: the number of segments. */
  readonly sequence: number;
  /** Entries that were ever added to the stream up to there. */
  readonly position: number;
  /** The history that the archive belongs to; `undefined` if an earlier version recorded it. */
  readonly history?: string;
  /** SHA-256 of that segment; `undefined` likewise. */
  readonly sha256?: string;
}

/** HGETALL archived; `undefined` if nothing was ever archived. */
export async function readArchived(redis: RedisConnection, shard: Shard): Promise<Archived | undefined> {
  const fields = await redis.hgetall(shardKeys(shard).archived);
  const { last_id: lastId, sequence = '', position, history, digest = '' } = fields;
  if (lastId === undefined) return undefined;
  // An earlier version that runs beside this one moves the other fields on, and leaves the digest as it was.
  const [digested, sha256] = digest.split(':');
  return {
    lastId,
    sequence: Number(sequence),
    position: Number(position),
    ...(history === undefined ? {} : { history }),
    ...(digested === sequence && sha256 !== undefined ? { sha256 } : {}),
  };
}
