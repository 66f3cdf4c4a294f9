import type { EntryId } from '@streamfold/core';
import type { RedisConnection } from '@streamfold/redis';
import type { Generation } from './generation.ts';

/** An entry that was delivered: `fields` is name, value, name, value …; `undefined` where it was trimmed meanwhile. */
export interface DeliveredEntry {
  readonly id: EntryId;
  readonly fields: readonly string[] | undefined;
}

/**
 * XREADGROUP GROUP group consumer COUNT count BLOCK ms STREAMS key >
 *
 * Entries that were never delivered to the group, oldest first; none where none came for `blockMs`.
 */
export async function readNewEntries(
  redis: RedisConnection,
  { shardKeys, keys }: Generation,
  { consumer, count, blockMs }: { consumer: string; count: number; blockMs: number },
): Promise<DeliveredEntry[]> {
  // prettier-ignore
  return toEntries(
    await redis.xreadgroup('GROUP', keys.group, consumer, 'COUNT', count, 'BLOCK', blockMs, 'STREAMS', shardKeys.events, '>'),
  );
}

/**
 * XREADGROUP GROUP group consumer COUNT count STREAMS key 0
 *
 * Entries that are pending for this consumer, oldest first: what it read before it crashed, lost its connection or was
 * refused a commit, and what it has claimed.
 */
export async function readOwnPending(
  redis: RedisConnection,
  { shardKeys, keys }: Generation,
  { consumer, count }: { consumer: string; count: number },
): Promise<DeliveredEntry[]> {
  return toEntries(
    await redis.xreadgroup('GROUP', keys.group, consumer, 'COUNT', count, 'STREAMS', shardKeys.events, '0'),
  );
}

type Reply = [key: string, entries: [id: string, fields: string[] | null][]][] | null;

function toEntries(reply: unknown): DeliveredEntry[] {
  const [stream] = (reply as Reply) ?? [];
  return stream === undefined ? [] : stream[1].map(([id, fields]) => ({ id, fields: fields ?? undefined }));
}
