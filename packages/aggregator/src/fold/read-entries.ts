import type { RedisConnection } from '@streamfold/redis';
import { Redis } from 'ioredis';
import type { Generation } from '../state/generation.ts';
import { describeDelivered, type TakeEntry } from './delivered-entry.ts';
import { createReplyTap } from './reply-tap.ts';

/**
 * Reads entries on a connection on which nothing else is sent meanwhile. They are given away as they arrive; only once the
 * promise has resolved are they all that was read.
 */
export interface EntryReader {
  /**
   * XREADGROUP GROUP group consumer COUNT count [BLOCK ms] STREAMS key >
   *
   * Gives entries that were never delivered to the group, oldest first; none if none came for `blockMs`. Without `blockMs` it
   * does not wait.
   */
  readNew(
    read: { readonly consumer: string; readonly count: number; readonly blockMs?: number },
    take: TakeEntry,
  ): Promise<void>;
  /**
   * XREADGROUP GROUP group consumer COUNT count STREAMS key 0
   *
   * Gives entries that are pending for the consumer, oldest first: what it read before it crashed, lost its connection or was
   * refused a commit, and what it has claimed.
   */
  readPending(read: { readonly consumer: string; readonly count: number }, take: TakeEntry): Promise<void>;
}

export function createEntryReader(
  redis: RedisConnection,
  { shardKeys: { events }, keys: { group } }: Generation,
): EntryReader {
  const read = createRead(redis);
  return {
    readNew: ({ consumer, count, blockMs }, take) =>
      read(
        () =>
          blockMs === undefined
            ? redis.xreadgroup('GROUP', group, consumer, 'COUNT', count, 'STREAMS', events, '>')
            : // prettier-ignore
              redis.xreadgroup('GROUP', group, consumer, 'COUNT', count, 'BLOCK', blockMs, 'STREAMS', events, '>'),
        take,
      ),
    readPending: ({ consumer, count }, take) =>
      read(() => redis.xreadgroup('GROUP', group, consumer, 'COUNT', count, 'STREAMS', events, '0'), take),
  };
}

/** One connection is read by our own parser; where the client chooses among many, as in a Cluster, by the client's. */
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
