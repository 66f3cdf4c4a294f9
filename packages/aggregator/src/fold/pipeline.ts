import type { RedisConnection } from '@streamfold/redis';
import { commitBatch, type FoldingMode } from '../state/commit-batch.ts';
import { createEntriesFold, type EntriesFold, type Fold } from './fold-entries.ts';
import type { Observe } from '../run/fact.ts';
import type { Generation } from '../state/generation.ts';
import { createEntryReader } from './read-entries.ts';

/** Where a consumer reads: what is pending for it already, or what no consumer has seen yet. */
export type Source = 'own_pending' | 'new';

export interface Pipeline {
  /**
   * One turn: reads entries, folds them and commits them, in as many batches as the bounds of a commit ask for. Where more
   * is waiting the next read is sent along with the commit, so that Redis works while this process folds, and the turn
   * after this one has it.
   *
   * Returns where to read next: `own_pending` as long as there may be some, `new` otherwise.
   */
  turn(source: Source): Promise<Source>;
  /** Folds and commits what was read ahead. Nothing is then in hand. */
  finish(): Promise<void>;
}

export interface PipelineOptions {
  /** For reading: a read that waits for entries lets nothing else through. */
  readonly readRedis: RedisConnection;
  /** For commits, and all else. */
  readonly redis: RedisConnection;
  readonly generation: Generation;
  readonly consumer: string;
  readonly fold: Fold;
  /** How the generation folds at the moment. */
  readonly mode?: () => FoldingMode;
  readonly blockMs: number;
  readonly observe: Observe;
  /** Monotonic clock, ms. */
  readonly now: () => number;
}

/** How an event gets from the stream into the metrics: read → decode → fold → commit. */
export function createPipeline(options: PipelineOptions): Pipeline {
  const { readRedis, redis, generation, consumer, fold, blockMs, observe, now } = options;
  const { mode = () => 'live' } = options;
  const reader = createEntryReader(readRedis, generation, consumer);
  let count = FIRST_READ_ENTRIES;
  let ahead: Promise<EntriesFold> | undefined;

  const read = async (source: Source): Promise<EntriesFold> => {
    const folding = createEntriesFold(fold);
    try {
      if (source === 'new') await reader.readNew({ count, blockMs }, folding.take);
      else await reader.readOwnPending(count, folding.take);
      return folding;
    } catch (error) {
      count = FIRST_READ_ENTRIES; // it may have been too much for the time that a read may take
      throw error;
    }
  };

  const commit = async ({ batches }: EntriesFold): Promise<'committed' | 'contested'> => {
    const { shard } = generation;
    for (const batch of batches) {
      const startedMs = now();
      const committed = await commitBatch(redis, generation, { consumer, batch, mode: mode() });
      if (committed.outcome === 'contested') {
        observe({ type: 'batch_contested', shard, entries: batch.ids.length });
        return 'contested';
      }
      if (committed.outcome === 'repeated') {
        observe({ type: 'entries_repeated', shard, entries: committed.entries });
        return 'contested';
      }
      const { deadLetters } = committed;
      const commitMs = now() - startedMs;
      observe({ type: 'batch_committed', shard, ...batch.delta.totals, deadLetters, commitMs });
    }
    return 'committed';
  };

  const takeAhead = (): Promise<EntriesFold> | undefined => {
    const taken = ahead;
    ahead = undefined;
    return taken;
  };

  return {
    async turn(source) {
      const readAhead = takeAhead();
      const folding = await (readAhead ?? read(source));
      if (folding.entries === 0) return readAhead === undefined ? 'new' : source;
      const moreIsWaiting = folding.entries >= count;
      count = fitCount(folding, fold);
      if (source === 'new' && moreIsWaiting) {
        ahead = read('new');
        ahead.catch(() => undefined); // the next turn meets its failure
      }
      return (await commit(folding)) === 'contested' ? 'own_pending' : source;
    },
    async finish() {
      const folding = await takeAhead();
      if (folding !== undefined) await commit(folding);
    },
  };
}

/** Entries asked for before any have been seen: an entry can hold 1 MiB. */
const FIRST_READ_ENTRIES = 100;

/** A read asks for at most so many times as many entries as the one before has brought: larger ones may follow. */
const READ_GROWTH = 4;

/** As many entries as fill one commit, going by the size of those read last. */
function fitCount({ entries, characters }: EntriesFold, { bounds }: Fold): number {
  const fitting = Math.floor((bounds.characters * entries) / Math.max(characters, 1));
  return Math.max(1, Math.min(bounds.entries, fitting, Math.max(FIRST_READ_ENTRIES, READ_GROWTH * entries)));
}
