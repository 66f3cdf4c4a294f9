import { ConfigurationError, type RedisConnection, type Shard, shardKeys } from '@streamfold/redis';
import { LOG_ERROR_REASONS, LogError } from './log-error.ts';
import { StoreError } from './store-error.ts';

/** Why a shard is not archived at present. */
export const ARCHIVE_STOP_REASONS = [
  ...LOG_ERROR_REASONS,
  /** The place of the archive cannot be read or written. */
  'store_failed',
  /** The location cannot hold an archive, or holds one with another number of shards. */
  'unfit',
] as const;

export type ArchiveStopReason = (typeof ARCHIVE_STOP_REASONS)[number];

export interface ArchiveStop {
  readonly reason: ArchiveStopReason;
  /** What was expected, what was found, and what to do. */
  readonly detail: string;
}

/** The stop that a failure of archiving means; `undefined` if the failure is not the archive's, but, say, that of Redis. */
export function toArchiveStop(error: unknown): ArchiveStop | undefined {
  if (error instanceof LogError) return { reason: error.reason, detail: error.message };
  if (error instanceof StoreError) return { reason: 'store_failed', detail: error.message };
  if (error instanceof ConfigurationError) return { reason: 'unfit', detail: error.message };
  return undefined;
}

/** HMGET archived stopped stopped_detail; `undefined` if the shard is archived, or nobody has tried yet. */
export async function readArchiveStop(
  redis: RedisConnection,
  shard: Shard,
): Promise<ArchiveStop | undefined> {
  const key = shardKeys(shard).archived;
  const [stopped, detail] = await redis.hmget(key, 'stopped', 'stopped_detail');
  const reason = ARCHIVE_STOP_REASONS.find((each) => each === stopped);
  return reason && { reason, detail: detail ?? '' };
}

/** HSET archived stopped … or HDEL archived stopped …: all aggregators see it, whichever of them has tried. */
export async function recordArchiveStop(
  redis: RedisConnection,
  shard: Shard,
  stop: ArchiveStop | undefined,
): Promise<void> {
  const key = shardKeys(shard).archived;
  if (stop === undefined) await redis.hdel(key, 'stopped', 'stopped_detail');
  else await redis.hset(key, 'stopped', stop.reason, 'stopped_detail', stop.detail);
}
