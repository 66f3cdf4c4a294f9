import { noUpcasters, previousId, type EntryId } from '@streamfold/core';
import type { RedisConnection } from '@streamfold/redis';
import { loadDeltaLogScript } from '../state/delta-log-script.ts';
import { HASH_SEED } from '../state/hash-seed.ts';
import { describeDelivered } from '../fold/delivered-entry.ts';
import { createFolding, type CommitBounds } from '../fold/fold-entries.ts';
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
  for (;;) {
    const outcome = await foldOnce(redis, generation, options);
    // Entries that were trimmed from the stream meanwhile are folded too, until there are none.
    if (outcome === 'nothing_left') return 'done';
    if (outcome === 'stopped') return 'stopped';
    if (outcome === 'superseded' && (await redis.exists(generation.keys.head)) === 0) return 'gone';
  }
}

type Page = readonly { readonly id: EntryId; readonly fields: readonly string[] }[];

/** From the mark to the oldest entry of the stream. */
async function foldOnce(
  redis: RedisConnection,
  generation: Generation,
  options: FoldArchivedOptions,
): Promise<'folded' | 'nothing_left' | 'superseded' | 'stopped'> {
  const { log, bounds, stop } = options;
  const { shard, shardKeys, keys } = generation;
  const [first] = await redis.xrange(shardKeys.events, '-', '+', 'COUNT', 1);
  const to = first === undefined ? undefined : previousId(first[0]);
  let after = (await redis.hget(keys.head, 'archived_to')) ?? undefined;
  let entries = 0;
  let pages: Page[] = [];
  let paged = 0;
  for await (const page of log.readArchived(shard, { after, to })) {
    if (stop.aborted) return 'stopped';
    pages.push(page);
    entries += page.length;
    paged += page.length;
    if (paged < bounds.entries) continue;
    const committed = await commit(redis, generation, { pages, after, options });
    if (committed.outcome === 'superseded') return 'superseded';
    after = committed.to;
    pages = [];
    paged = 0;
  }
  if (entries === 0) return 'nothing_left';
  return (await commit(redis, generation, { pages, after, options })).outcome;
}

interface Pages {
  readonly pages: readonly Page[];
  /** The last folded entry. */
  readonly after: EntryId | undefined;
  readonly options: FoldArchivedOptions;
}

/** Dead letters are not written again: they were written when the entries were new. */
async function commit(
  redis: RedisConnection,
  generation: Generation,
  { pages, after, options }: Pages,
): Promise<
  { readonly outcome: 'folded'; readonly to: EntryId | undefined } | { readonly outcome: 'superseded' }
> {
  const { shards, bounds, onProgress } = options;
  const { shard, catalogue, deltaForm, keys } = generation;
  const context = { shard, shards, upcasters: noUpcasters };
  const folding = createFolding({ catalogue, deltaForm, context, hashSeed: HASH_SEED }).begin(bounds);
  for (const page of pages) for (const { id, fields } of page) folding.take(describeDelivered(id, fields));
  let from = after;
  for (const { entries, lastId, record } of folding.batches) {
    const args = [from ?? '', lastId, record, entries];
    const reply = await script.run(redis, [keys.deltas, keys.head], args);
    if (reply === 'superseded') return { outcome: 'superseded' };
    from = lastId;
    onProgress(entries);
  }
  return { outcome: 'folded', to: from };
}
