import { noUpcasters, previousId, type EntryId } from '@streamfold/core';
import type { RedisConnection } from '@streamfold/redis';
import { loadDeltaLogScript } from '../state/delta-log-script.ts';
import { HASH_SEED } from '../state/hash-seed.ts';
import { createFolding, type CommitBounds, type EntriesFold, type Fold } from '../fold/fold-entries.ts';
import type { Generation } from '../state/generation.ts';
import type { LogBeyondRedis } from './log-beyond-redis.ts';

const script = loadDeltaLogScript(new URL('../../lua/commit-archived.lua', import.meta.url));

export interface FoldArchivedOptions {
  readonly log: LogBeyondRedis;
  readonly shards: number;
  readonly bounds: CommitBounds;
  readonly onProgress: (entries: number) => void;
  readonly stop: AbortSignal;
}

/**
 * EVALSHA commit-archived.lua 2 deltas head archived-to to delta entries, for each batch
 *
 * Folds the entries of a shard that only the archive still has, in order. The mark of its progress is kept beside the state,
 * and moves with it in one step: after a crash it resumes there, and if two run at the same time each batch counts once.
 * `gone` if the generation was dropped meanwhile.
 */
export async function foldArchived(
  redis: RedisConnection,
  generation: Generation,
  options: FoldArchivedOptions,
): Promise<'done' | 'gone' | 'stopped'> {
  const { catalogue, deltaForm, shard } = generation;
  const context = { shard, shards: options.shards, upcasters: noUpcasters };
  const fold = createFolding({ catalogue, deltaForm, context, hashSeed: HASH_SEED });
  for (;;) {
    const outcome = await foldOnce(redis, generation, { ...options, fold });
    // Entries that were trimmed from the stream meanwhile are folded too, until there are none.
    if (outcome === 'nothing_left') return 'done';
    if (outcome === 'stopped') return 'stopped';
    if (outcome === 'superseded' && (await redis.exists(generation.keys.head)) === 0) return 'gone';
  }
}

interface FoldingOptions extends FoldArchivedOptions {
  readonly fold: Fold;
}

/** From the mark to the oldest entry of the stream. While a batch is committed, the next one is read and folded. */
async function foldOnce(
  redis: RedisConnection,
  generation: Generation,
  { log, fold, bounds, onProgress, stop }: FoldingOptions,
): Promise<'folded' | 'nothing_left' | 'superseded' | 'stopped'> {
  const { shard, shardKeys, keys } = generation;
  const [first] = await redis.xrange(shardKeys.events, '-', '+', 'COUNT', 1);
  const to = first === undefined ? undefined : previousId(first[0]);
  const after = (await redis.hget(keys.head, 'archived_to')) ?? undefined;
  let committing: Promise<Committed> = Promise.resolve({ outcome: 'folded', to: after });
  let folding = fold.begin(bounds);
  let isEmpty = true;
  /** Commits what was folded, after what is being committed. */
  const commitFolded = async (): Promise<Committed> => {
    const { batches } = folding;
    const before = await committing;
    if (before.outcome === 'superseded') return before;
    committing = commit(redis, generation, { batches, after: before.to, onProgress });
    committing.catch(() => undefined); // the next commit meets its failure
    folding = fold.begin(bounds);
    return before;
  };
  try {
    for await (const page of log.readArchived(shard, { after, to })) {
      if (stop.aborted) return 'stopped';
      folding.takePage(page);
      isEmpty = false;
      if (folding.entries < bounds.entries && folding.payloadBytes < bounds.payloadBytes) continue;
      if ((await commitFolded()).outcome === 'superseded') return 'superseded';
    }
    if (isEmpty) return 'nothing_left';
    if ((await commitFolded()).outcome === 'superseded') return 'superseded';
    return (await committing).outcome;
  } finally {
    await committing.catch(() => undefined); // nothing is under way once this function has ended
  }
}

type Committed =
  { readonly outcome: 'folded'; readonly to: EntryId | undefined } | { readonly outcome: 'superseded' };

/** Dead letters are not written again: they were written when the entries were new. */
async function commit(
  redis: RedisConnection,
  { keys }: Generation,
  {
    batches,
    after,
    onProgress,
  }: Pick<FoldArchivedOptions, 'onProgress'> & {
    readonly batches: EntriesFold['batches'];
    /** The last folded entry. */
    readonly after: EntryId | undefined;
  },
): Promise<Committed> {
  let from = after;
  for (const { entries, lastId, record } of batches) {
    const args = [from ?? '', lastId, record, entries];
    const reply = await script.run(redis, [keys.deltas, keys.head], args);
    if (reply === 'superseded') return { outcome: 'superseded' };
    from = lastId;
    onProgress(entries);
  }
  return { outcome: 'folded', to: from };
}
