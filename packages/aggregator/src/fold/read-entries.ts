import { createReplyTap, type RedisConnection } from '@streamfold/redis';
import { Redis } from 'ioredis';
import type { Generation } from '../state/generation.ts';
import { describeDelivered } from './delivered-entry.ts';
import type { EntriesFold } from './fold-entries.ts';

/**
 * Reads entries on a connection on which nothing else is sent meanwhile. They are folded as they arrive; only once the
 * promise has resolved are they all that was read.
 */
export interface EntryReader {
  /**
   * XREADGROUP GROUP group consumer COUNT count [BLOCK ms] STREAMS key >
   *
   * Reads entries that were never delivered to the group, oldest first; none if none came for `blockMs`. Without `blockMs` it
   * does not wait.
   */
  readNew(
    read: { readonly consumer: string; readonly count: number; readonly blockMs?: number },
    folding: EntriesFold,
  ): Promise<void>;
  /**
   * XREADGROUP GROUP group consumer COUNT count STREAMS key 0
   *
   * Reads entries that are pending for the consumer, oldest first: those that it read before a crash, a lost connection or a
   * refused commit, and those that it has claimed.
   */
  readPending(
    read: { readonly consumer: string; readonly count: number },
    folding: EntriesFold,
  ): Promise<void>;
}

export function createEntryReader(
  redis: RedisConnection,
  { shardKeys: { events }, keys: { group } }: Generation,
): EntryReader {
  const read = createRead(redis);
  return {
    readNew: ({ consumer, count, blockMs }, folding) =>
      read(
        () =>
          blockMs === undefined
            ? redis.xreadgroup('GROUP', group, consumer, 'COUNT', count, 'STREAMS', events, '>')
            : // prettier-ignore
              redis.xreadgroup('GROUP', group, consumer, 'COUNT', count, 'BLOCK', blockMs, 'STREAMS', events, '>'),
        folding,
      ),
    readPending: ({ consumer, count }, folding) =>
      read(() => redis.xreadgroup('GROUP', group, consumer, 'COUNT', count, 'STREAMS', events, '0'), folding),
  };
}

/** A single connection is read with our own parser; in a Cluster, where the client chooses among many, with the client's. */
function createRead(
  redis: RedisConnection,
): (send: () => Promise<unknown>, folding: EntriesFold) => Promise<void> {
  if (redis instanceof Redis) {
    const tap = createReplyTap(redis);
    return (send, folding) => tap.read(send, folding.parseReply());
  }
  return async (send, folding) => {
    const [stream] = ((await send()) as Reply) ?? [];
    for (const [id, fields] of stream?.[1] ?? []) folding.take(describeDelivered(id, fields ?? undefined));
  };
}

type Reply = [key: string, entries: [id: string, fields: string[] | null][]][] | null;
