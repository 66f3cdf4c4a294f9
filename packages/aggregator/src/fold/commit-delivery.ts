import { toError } from '@streamfold/redis';
import {
  commitBatch,
  type CommitOutcome,
  type FoldedBatch,
  type FoldingMode,
} from '../state/commit-batch.ts';
import { commitRead, type ReadCommitOutcome } from '../state/commit-read.ts';
import { describeOwnRecord } from '../state/describe-own-record.ts';
import type { BatchSize } from './batch-size.ts';
import type { PipelineOptions } from './pipeline.ts';

/**
 * The kind of a read: it waited for new entries, it was sent ahead for new entries under its own name, or it read entries
 * that were pending already.
 */
export type Origin = 'waited' | 'ahead' | 'pending';

/** The entries of one read, folded. */
export interface Delivery {
  readonly origin: Origin;
  /** The consumer for which the entries are pending. */
  readonly consumer: string;
  /** At least one if there are entries. */
  readonly batches: readonly FoldedBatch[];
  readonly entries: number;
}

export interface CommitOptions extends PipelineOptions {
  readonly size: BatchSize;
}

/**
 * Commits the batches of a read one after the other, up to the first that is not accepted as it is. `unsettled`: some entries
 * may still be pending for the consumer.
 */
export async function commitDelivery(
  delivery: Delivery,
  options: CommitOptions,
): Promise<'committed' | 'unsettled'> {
  const { names } = options;
  const { consumer } = delivery;
  for (const batch of delivery.batches) {
    const accepted = await commit(batch, delivery, options).catch((error: unknown) => {
      names.doubt(consumer);
      throw error;
    });
    if (accepted) continue;
    names.doubt(consumer);
    return 'unsettled';
  }
  // Its last commit has removed the consumer. Of other names another read must show that nothing is left.
  if (delivery.origin === 'ahead') names.release(consumer);
  return 'committed';
}

/** False if the batch is not accepted as it is. */
async function commit(batch: FoldedBatch, delivery: Delivery, options: CommitOptions): Promise<boolean> {
  const { generation, hold, size, observe, now, onCommitted = () => Promise.resolve() } = options;
  const { shard } = generation;
  const startedMs = now();
  const mode = options.mode?.() ?? 'live';
  const committed = await send({ batch, mode }, delivery, options);
  hold.settled();
  size.committed();
  if (committed.outcome === 'contested') observe({ type: 'batch_contested', shard, entries: batch.entries });
  if (committed.outcome === 'repeated')
    observe({ type: 'entries_repeated', shard, entries: committed.entries });
  if (committed.outcome !== 'committed') {
    batch.release();
    return false;
  }
  if (committed.appended === undefined) batch.release();
  else
    void onCommitted(generation, describeOwnRecord(batch, committed.appended, mode)).finally(batch.release);
  const { deadLetters } = committed;
  observe({
    type: 'batch_committed',
    shard,
    ...batch.totals,
    deadLetters,
    commitMs: now() - startedMs,
  });
  return true;
}

async function send(
  { batch, mode }: { readonly batch: FoldedBatch; readonly mode: FoldingMode },
  { origin, consumer, batches }: Delivery,
  options: CommitOptions,
): Promise<CommitOutcome | ReadCommitOutcome> {
  const { redis, generation, names, hold, size, observe } = options;
  const common = { consumer, batch, mode };
  try {
    if (origin === 'ahead' && batches.length === 1) return await commitRead(redis, generation, common);
    const removeConsumer = consumer !== names.own;
    return await commitBatch(redis, generation, { ...common, isRun: origin !== 'pending', removeConsumer });
  } catch (error) {
    size.failed(error);
    hold.refused();
    const entries = batch.entries;
    observe({ type: 'commit_failed', shard: generation.shard, entries, error: toError(error) });
    throw error;
  }
}
