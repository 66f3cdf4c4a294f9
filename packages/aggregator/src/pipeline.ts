import type { RedisConnection } from '@streamfold/redis';
import { commitBatch } from './commit/commit-batch.ts';
import { foldBatch, type Fold } from './commit/fold-batch.ts';
import type { Observe } from './fact.ts';
import type { Generation } from './generation.ts';
import type { DeliveredEntry } from './read/delivered-entry.ts';
import { createEntryReader } from './read/read-entries.ts';

/** Where a consumer reads: what is pending for it already, or what no consumer has seen yet. */
export type Source = 'own_pending' | 'new';

export interface Pipeline {
  /**
   * One turn: reads entries, folds them and commits them, in as many batches as the bounds of a commit ask for.
   * Returns where to read next: `own_pending` as long as there may be some, `new` otherwise.
   */
  turn(source: Source): Promise<Source>;
}

export interface PipelineOptions {
  readonly redis: RedisConnection;
  readonly generation: Generation;
  readonly consumer: string;
  readonly fold: Fold;
  readonly blockMs: number;
  readonly observe: Observe;
  /** Monotonic clock, ms. */
  readonly now: () => number;
}

/** How an event gets from the stream into the metrics: read → decode → fold → commit. */
export function createPipeline(options: PipelineOptions): Pipeline {
  const { redis, generation, consumer, fold, blockMs, observe, now } = options;
  const reader = createEntryReader(redis, generation, consumer);
  let count = FIRST_READ_ENTRIES;

  return {
    async turn(source) {
      const entries =
        source === 'new' ? await reader.readNew(count, blockMs) : await reader.readOwnPending(count);
      if (entries.length === 0) return 'new';
      count = fitCount(entries, fold);
      for (let from = 0; from < entries.length;) {
        const batch = foldBatch(entries, from, fold);
        const startedMs = now();
        const { outcome } = await commitBatch(redis, generation, { consumer, batch });
        const { shard } = generation;
        if (outcome === 'contested') {
          observe({ type: 'batch_contested', shard, entries: batch.ids.length });
          return 'own_pending';
        }
        observe({ type: 'batch_committed', shard, ...batch.delta.totals, commitMs: now() - startedMs });
        from += batch.ids.length;
      }
      return source;
    },
  };
}

/** Entries asked for before any have been seen: an entry can hold 1 MiB. */
const FIRST_READ_ENTRIES = 100;

/** As many entries as fill one commit, going by the size of those read last. */
function fitCount(entries: readonly DeliveredEntry[], { bounds }: Fold): number {
  let characters = 0;
  for (const { fields } of entries) for (const text of fields ?? []) characters += text.length;
  const fitting = Math.floor((bounds.characters * entries.length) / Math.max(characters, 1));
  return Math.max(1, Math.min(bounds.entries, fitting));
}
