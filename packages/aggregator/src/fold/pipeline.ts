import { isReplyError, type RedisConnection } from '@streamfold/redis';
import type { FoldingMode } from '../state/commit-batch.ts';
import { createBatchSize } from './batch-size.ts';
import { commitBatches } from './commit-batches.ts';
import { createEntriesFold, type CommitBounds, type EntriesFold, type Fold } from './fold-entries.ts';
import type { Hold } from './hold.ts';
import type { Observe } from '../run/fact.ts';
import type { Generation } from '../state/generation.ts';
import { createEntryReader } from './read-entries.ts';

/** Where a consumer reads: its pending entries, or those that no consumer has seen yet. */
export type Source = 'own_pending' | 'new';

export interface Pipeline {
  /**
   * One turn: reads entries, folds them and commits them, in batches within the bounds of a commit. If more entries are
   * waiting, the next read is sent along with the commit, so that Redis works while this process folds; the next turn gets
   * its reply.
   *
   * Returns where to read next: `own_pending` as long as there may be pending entries, `new` otherwise.
   */
  turn(source: Source): Promise<Source>;
  /** Folds and commits the entries that were read ahead. Afterwards the consumer holds none. */
  finish(): Promise<void>;
  /** The next read asks for one entry. */
  startAnew(): void;
}

export interface PipelineOptions {
  /** For reads: a read that waits for entries blocks everything else on its connection. */
  readonly readRedis: RedisConnection;
  /** For commits, and everything else. */
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
  const { readRedis, generation, consumer, fold, hold, blockMs } = options;
  const reader = createEntryReader(readRedis, generation, consumer);
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

  const commit = ({ batches }: EntriesFold): Promise<'committed' | 'unsettled'> =>
    commitBatches(batches, { ...options, size });

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
        ahead = read('new'); // more entries are waiting
        ahead.catch(() => undefined); // the next turn handles its failure
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
