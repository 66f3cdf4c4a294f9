import type { RedisConnection } from '@streamfold/redis';
import { Redis } from 'ioredis';
import type { Generation } from '../state/generation.ts';
import { describeDelivered, type TakeEntry } from './delivered-entry.ts';
import { createReplyTap } from './reply-tap.ts';

/**
 * Reads entries for one consumer, on a connection on which nothing else is sent meanwhile. They are passed on as they
 * arrive; the read is complete only once the promise has resolved.
 */
export interface EntryReader {
  /**
   * XREADGROUP GROUP group consumer COUNT count BLOCK ms STREAMS key >
   *
   * Returns entries that were never delivered to the group, oldest first; none if none arrived for `blockMs`.
   */
  readNew(bounds: { readonly count: number; readonly blockMs: number }, take: TakeEntry): Promise<void>;
  /**
   * XREADGROUP GROUP group consumer COUNT count STREAMS key 0
   *
   * Returns entries that are pending for this consumer, oldest first: those it read before it crashed, lost its
   * connection or had a commit refused, and those it has claimed.
   */
  readOwnPending(count: number, take: TakeEntry): Promise<void>;
}

export function createEntryReader(
  redis: RedisConnection,
  { shardKeys, keys }: Generation,
  consumer: string,
): EntryReader {
  const { events } = shardKeys;
  const read = createRead(redis);
  return {
    readNew: ({ count, blockMs }, take) =>
      read(
        () =>
          // prettier-ignore
          redis.xreadgroup('GROUP', keys.group, consumer, 'COUNT', count, 'BLOCK', blockMs, 'STREAMS', events, '>'),
        take,
      ),
    readOwnPending: (count, take) =>
      read(
        () => redis.xreadgroup('GROUP', keys.group, consumer, 'COUNT', count, 'STREAMS', events, '0'),
        take,
      ),
  };
}

/** A single connection is read with our own parser; in a Cluster, where the client chooses among many, with the client's. */
function createRead(
  redis: RedisConnection,
): (send: () => Promise<unknown>, take: TakeEntry) => Promise<void> {
  if (redis instanceof Redis) return createReplyTap(redis).read;
  return async (send, take) => {
    const [stream] = ((await send()) as Reply) ?? [];
    for (const [id, fields] of stream?.[1] ?? []) take(describeDelivered(id, fields ?? undefined));
  };
}

type Reply = [key: string, entries: [id: string, fields: string[] | null][]][] | null;
