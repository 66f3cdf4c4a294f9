import { isReplyError, toError, type RedisConnection } from '@streamfold/redis';
import {
  commitBatch,
  type CommitOutcome,
  type FoldedBatch,
  type FoldingMode,
} from '../state/commit-batch.ts';
import { createBatchSize } from './batch-size.ts';
import { createEntriesFold, type CommitBounds, type EntriesFold, type Fold } from './fold-entries.ts';
import type { Hold } from './hold.ts';
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
  /** The next read asks for one entry. */
  startAnew(): void;
}

export interface PipelineOptions {
  /** For reading: a read that waits for entries lets nothing else through. */
  readonly readRedis: RedisConnection;
  /** For commits, and all else. */
  readonly redis: RedisConnection;
  readonly generation: Generation;
  readonly consumer: string;
  readonly fold: Omit<Fold, 'bounds'>;
  /** The largest commit. */
  readonly bounds: CommitBounds;
  readonly hold: Hold;
  /** How the generation folds at the moment. */
  readonly mode?: () => FoldingMode;
  readonly blockMs: number;
  readonly observe: Observe;
  /** Monotonic clock, ms. */
  readonly now: () => number;
}

/** How an event gets from the stream into the metrics: read → decode → fold → commit. */
export function createPipeline(options: PipelineOptions): Pipeline {
  const { readRedis, redis, generation, consumer, fold, hold, blockMs, observe, now } = options;
  const { mode = () => 'live' } = options;
  const reader = createEntryReader(readRedis, generation, consumer);
  const { shard } = generation;
  const size = createBatchSize(options.bounds);
  let ahead: Promise<EntriesFold> | undefined;

  const read = async (source: Source): Promise<EntriesFold> => {
    const { count } = size;
    const folding = createEntriesFold({ ...fold, bounds: size.bounds });
    try {
      if (source === 'new') await reader.readNew({ count, blockMs }, folding.take);
      else await reader.readOwnPending(count, folding.take);
      size.read(count, folding);
      return folding;
    } catch (error) {
      size.read(count, folding);
      size.failed(error);
      if (!isReplyError(error)) hold.refused(); // they may have been delivered
      throw error;
    }
  };

  const commit = async ({ batches }: EntriesFold): Promise<'committed' | 'unsettled'> => {
    for (const batch of batches) {
      const startedMs = now();
      const committed = await send(batch);
      hold.settled();
      size.committed();
      if (committed.outcome === 'contested')
        observe({ type: 'batch_contested', shard, entries: batch.ids.length });
      if (committed.outcome === 'repeated')
        observe({ type: 'entries_repeated', shard, entries: committed.entries });
      if (committed.outcome !== 'committed') return 'unsettled';
      const { deadLetters } = committed;
      const commitMs = now() - startedMs;
      observe({ type: 'batch_committed', shard, ...batch.delta.totals, deadLetters, commitMs });
    }
    return 'committed';
  };

  const send = async (batch: FoldedBatch): Promise<CommitOutcome> => {
    try {
      return await commitBatch(redis, generation, { consumer, batch, mode: mode() });
    } catch (error) {
      size.failed(error);
      hold.refused();
      observe({ type: 'commit_failed', shard, entries: batch.ids.length, error: toError(error) });
      throw error;
    }
  };

  const takeAhead = (): Promise<EntriesFold> | undefined => {
    const taken = ahead;
    ahead = undefined;
    return taken;
  };

  return {
    async turn(source) {
      const readAhead = takeAhead();
      const asked = size.count;
      const folding = await (readAhead ?? read(source));
      if (folding.entries === 0) {
        // A try ends with a commit, or if there is nothing to try it with.
        if (readAhead === undefined && (source === 'new' || hold.state !== 'trying')) hold.settled();
        return readAhead === undefined ? 'new' : source;
      }
      if (source === 'new' && hold.state === 'holding' && folding.entries >= asked) {
        ahead = read('new'); // more is waiting
        ahead.catch(() => undefined); // the next turn meets its failure
      }
      return (await commit(folding)) === 'unsettled' ? 'own_pending' : source;
    },
    async finish() {
      const folding = await takeAhead();
      if (folding !== undefined) await commit(folding);
    },
    startAnew: () => size.startAnew(),
  };
}
