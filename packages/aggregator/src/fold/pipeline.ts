import { isReplyError, type RedisConnection } from '@streamfold/redis';
import type { FoldingMode } from '../state/commit-batch.ts';
import { createBatchSize } from './batch-size.ts';
import { commitDelivery, type Delivery, type Origin } from './commit-delivery.ts';
import type { CommitBounds, Fold } from './fold-entries.ts';
import type { Hold } from './hold.ts';
import type { Observe } from '../run/fact.ts';
import type { Generation } from '../state/generation.ts';
import type { DeltaRecord } from '../state/read-deltas.ts';
import { removeConsumer } from '../state/remove-consumers.ts';
import { createEntryReader } from './read-entries.ts';
import type { ReadNames } from './read-names.ts';
import type { StreamReads } from './stream-reads.ts';

/** Where a reader reads: what is pending for it already, or what no consumer has seen yet. */
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
  /** Folds and commits the entries that were read ahead. Then no delivered entry is left to commit. */
  finish(): Promise<void>;
  /** The next read asks for one entry. */
  startAnew(): void;
}

export interface PipelineOptions {
  readonly reads: StreamReads;
  /** For commits, and everything else. */
  readonly redis: RedisConnection;
  readonly generation: Generation;
  readonly names: ReadNames;
  readonly fold: Fold;
  /** The largest commit. */
  readonly bounds: CommitBounds;
  readonly hold: Hold;
  /**
   * Called with each record that was appended to the delta log, in its order as far as this process knows it. Its columns are
   * used again once the promise has resolved. Must not reject.
   */
  readonly onCommitted?: OnCommitted;
  /** How the generation folds at the moment. */
  readonly mode?: () => FoldingMode;
  readonly blockMs: number;
  readonly observe: Observe;
  /** Monotonic clock, ms. */
  readonly now: () => number;
}

export type OnCommitted = (generation: Generation, record: DeltaRecord) => Promise<void>;

/**
 * A read of a generation that is being built asks for at most this number of entries. It occupies Redis for about 5 ms, and live
 * folding waits for it: for those of two readers in each process that folds.
 */
const REPLAYED_ENTRIES = 1_000;

/** How an event gets from the stream into the metrics: read → decode → fold → commit. */
export function createPipeline(options: PipelineOptions): Pipeline {
  const { reads, redis, generation, names, fold, hold, blockMs } = options;
  const reader = createEntryReader(reads, generation);
  const { bounds, mode = () => 'live' } = options;
  const size = createBatchSize(bounds, () => (mode() === 'live' ? bounds.entries : REPLAYED_ENTRIES));
  let ahead: Promise<Delivery> | undefined;

  const read = async (origin: Origin): Promise<Delivery> => {
    const { count } = size;
    const consumer = nameRead(origin, names);
    const folding = fold.begin(size.bounds);
    try {
      if (origin === 'waited') await reader.readNew({ consumer, count, blockMs }, folding);
      else if (origin === 'ahead') await reader.readNew({ consumer, count }, folding);
      else await reader.readPending({ consumer, count }, folding);
      size.read(count, folding);
    } catch (error) {
      size.read(count, folding);
      size.failed(error);
      if (isReplyError(error)) names.release(consumer);
      else {
        names.doubt(consumer); // they may have been delivered
        hold.refused();
      }
      throw error;
    }
    // Redis makes the consumer even if the read brings nothing.
    if (folding.entries === 0 && consumer !== names.own) await dismiss(consumer);
    return { origin, consumer, batches: folding.batches, entries: folding.entries };
  };

  const dismiss = async (consumer: string): Promise<void> => {
    names.doubt(consumer);
    await removeConsumer(redis, generation, { consumer, idleMs: 0 });
    names.release(consumer);
  };

  const takeAhead = (): Promise<Delivery> | undefined => {
    const taken = ahead;
    ahead = undefined;
    return taken;
  };

  return {
    async turn(source) {
      const readAhead = takeAhead();
      const asked = size.count;
      const delivery = await (readAhead ?? read(source === 'new' ? 'waited' : 'pending'));
      if (delivery.entries === 0) {
        if (readAhead !== undefined || delivery.consumer !== names.own) return source;
        // A try ends with a commit, or if there is nothing to try it with.
        if (source === 'new' || hold.state !== 'trying') hold.settled();
        return 'new';
      }
      if (source === 'new' && hold.state === 'holding' && delivery.entries >= asked) {
        ahead = read('ahead'); // more is waiting
        ahead.catch(() => undefined); // the next turn meets its failure
      }
      return (await commitDelivery(delivery, { ...options, size })) === 'unsettled' ? 'own_pending' : source;
    },
    async finish() {
      const delivery = await takeAhead();
      if (delivery !== undefined) await commitDelivery(delivery, { ...options, size });
    },
    startAnew: () => size.startAnew(),
  };
}

function nameRead(origin: Origin, names: ReadNames): string {
  if (origin === 'ahead') return names.take();
  return origin === 'pending' ? (names.doubtful ?? names.own) : names.own;
}
