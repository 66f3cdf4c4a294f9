import type { Generation } from '../state/generation.ts';
import type { EntriesFold } from './fold-entries.ts';
import type { StreamReads } from './stream-reads.ts';

/** Reads entries. They are folded as they arrive; only once the promise has resolved are they all that was read. */
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
  reads: StreamReads,
  { shardKeys: { events }, keys: { group } }: Generation,
): EntryReader {
  return {
    readNew: ({ consumer, count, blockMs }, folding) =>
      reads.read({
        blockMs,
        folding,
        send: (redis, waitMs) =>
          waitMs === undefined
            ? redis.xreadgroup('GROUP', group, consumer, 'COUNT', count, 'STREAMS', events, '>')
            : // prettier-ignore
              redis.xreadgroup('GROUP', group, consumer, 'COUNT', count, 'BLOCK', waitMs, 'STREAMS', events, '>'),
      }),
    readPending: ({ consumer, count }, folding) =>
      reads.read({
        isPending: true,
        folding,
        send: (redis) => redis.xreadgroup('GROUP', group, consumer, 'COUNT', count, 'STREAMS', events, '0'),
      }),
  };
}
