import type { EntryId } from '@streamfold/core';
import { shardKeys, type RedisConnection } from '@streamfold/redis';

/** How far a shard is archived, as Redis has recorded it; the archive itself may be a segment further. */
export interface Archived {
  readonly lastId: EntryId;
  /** Sequence number of the segment that ends with it: the number of segments. */
  readonly sequence: number;
  /** Entries that were ever added to the stream up to there. */
  readonly position: number;
}

/** HGETALL archived; `undefined` where nothing was ever archived. */
export async function readArchived(
  redis: RedisConnection,
  prefix: string,
  shard: number,
): Promise<Archived | undefined> {
  const { last_id: lastId, sequence, position } = await redis.hgetall(shardKeys(prefix, shard).archived);
  return lastId === undefined
    ? undefined
    : { lastId, sequence: Number(sequence), position: Number(position) };
}
