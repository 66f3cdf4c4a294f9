import type { RedisConnection } from '@streamfold/redis';
import { Redis } from 'ioredis';
import type { Generation } from '../generation.ts';
import type { DeliveredEntry } from './delivered-entry.ts';
import { createReplyTap } from './reply-tap.ts';

/** Reads entries for one consumer, on a connection on which nothing else is sent meanwhile. */
export interface EntryReader {
  /**
   * XREADGROUP GROUP group consumer COUNT count BLOCK ms STREAMS key >
   *
   * Entries that were never delivered to the group, oldest first; none where none came for `blockMs`.
   */
  readNew(count: number, blockMs: number): Promise<DeliveredEntry[]>;
  /**
   * XREADGROUP GROUP group consumer COUNT count STREAMS key 0
   *
   * Entries that are pending for this consumer, oldest first: what it read before it crashed, lost its connection or was
   * refused a commit, and what it has claimed.
   */
  readOwnPending(count: number): Promise<DeliveredEntry[]>;
}

export function createEntryReader(
  redis: RedisConnection,
  { shardKeys, keys }: Generation,
  consumer: string,
): EntryReader {
  const { events } = shardKeys;
  const take = createTake(redis);
  return {
    readNew: (count, blockMs) =>
      // prettier-ignore
      take(() =>
        redis.xreadgroup('GROUP', keys.group, consumer, 'COUNT', count, 'BLOCK', blockMs, 'STREAMS', events, '>'),
      ),
    readOwnPending: (count) =>
      take(() => redis.xreadgroup('GROUP', keys.group, consumer, 'COUNT', count, 'STREAMS', events, '0')),
  };
}

/** One connection is read by our own parser; where the client chooses among many, as in a Cluster, by the client's. */
function createTake(redis: RedisConnection): (send: () => Promise<unknown>) => Promise<DeliveredEntry[]> {
  if (!(redis instanceof Redis)) return async (send) => toEntries(await send());
  const tap = createReplyTap(redis);
  return (send) => tap.read(send);
}

type Reply = [key: string, entries: [id: string, fields: string[] | null][]][] | null;

function toEntries(reply: unknown): DeliveredEntry[] {
  const [stream] = (reply as Reply) ?? [];
  return stream === undefined ? [] : stream[1].map(([id, fields]) => ({ id, fields: fields ?? undefined }));
}
