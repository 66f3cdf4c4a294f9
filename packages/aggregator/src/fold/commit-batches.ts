import { toError } from '@streamfold/redis';
import { commitBatch, type CommitOutcome, type FoldedBatch } from '../state/commit-batch.ts';
import type { BatchSize } from './batch-size.ts';
import type { PipelineOptions } from './pipeline.ts';

export interface CommitBatchesOptions extends PipelineOptions {
  readonly size: BatchSize;
}

/**
 * Commits batches one after the other, up to the first that is not fully accepted. `unsettled`: some entries may still be
 * pending for this consumer.
 */
export async function commitBatches(
  batches: readonly FoldedBatch[],
  options: CommitBatchesOptions,
): Promise<'committed' | 'unsettled'> {
  const { generation, hold, size, observe, now } = options;
  const { shard } = generation;
  for (const batch of batches) {
    const startedMs = now();
    const committed = await send(batch, options);
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
}

async function send(batch: FoldedBatch, options: CommitBatchesOptions): Promise<CommitOutcome> {
  const { redis, generation, consumer, mode = () => 'live', hold, size, observe } = options;
  try {
    return await commitBatch(redis, generation, { consumer, batch, mode: mode() });
  } catch (error) {
    size.failed(error);
    hold.refused();
    const entries = batch.ids.length;
    observe({ type: 'commit_failed', shard: generation.shard, entries, error: toError(error) });
    throw error;
  }
}
