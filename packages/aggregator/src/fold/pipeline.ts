import { isReplyError, type RedisConnection } from '@streamfold/redis';
import type { FoldingMode } from '../state/commit-batch.ts';
import { createBatchSize } from './batch-size.ts';
import { commitBatches } from './commit-batches.ts';
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
