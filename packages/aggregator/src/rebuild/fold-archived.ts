import { createFold, encodeDelta, noUpcasters, type EntryId } from '@streamfold/core';
import { loadScript, type RedisConnection } from '@streamfold/redis';
import { createEntriesFold, type CommitBounds, type FoldedBatch } from '../commit/fold-entries.ts';
import type { Generation } from '../generation.ts';
import type { LogBeyondRedis } from './log-beyond-redis.ts';
import { previousId } from './previous-id.ts';

const script = loadScript(new URL('../../lua/commit-archived.lua', import.meta.url));

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
 * Folds what the archive has of a shard and the stream has no more, in the order of the entries. How far it has come stands
 * beside the state, and moves with it in one step: after a crash it goes on where it was, and of two that do it at the same
 * time each batch is taken from one. `gone` where the generation was dropped meanwhile.
 */
export async function foldArchived(
  redis: RedisConnection,
  generation: Generation,
  options: FoldArchivedOptions,
): Promise<'done' | 'gone' | 'stopped'> {
  const { log, stop } = options;
  const { shard, shardKeys, keys } = generation;
  for (;;) {
    const [first] = await redis.xrange(shardKeys.events, '-', '+', 'COUNT', 1);
    const to = first === undefined ? undefined : previousId(first[0]);
    let after = (await redis.hget(keys.head, 'archived_to')) ?? undefined;
    let entries = 0;
    let pages: (typeof page)[] = [];
    let page: readonly { readonly id: EntryId; readonly fields: readonly string[] }[] = [];
    let outcome: EntryId | 'superseded' | undefined = after;
    for await (page of log.readArchived(shard, { after, to })) {
      if (stop.aborted) return 'stopped';
      pages.push(page);
      entries += page.length;
      if (pages.reduce((sum, each) => sum + each.length, 0) < options.bounds.entries) continue;
      outcome = await commit(redis, generation, { pages, after, options });
      if (outcome === 'superseded') break;
      after = outcome;
      pages = [];
    }
    if (outcome !== 'superseded' && pages.length > 0)
      outcome = await commit(redis, generation, { pages, after, options });
    if (outcome === 'superseded') {
      if ((await redis.exists(keys.head)) === 0) return 'gone';
    } else if (entries === 0) return 'done'; // what was trimmed from the stream meanwhile has been looked for, too
  }
}

interface Pages {
  readonly pages: readonly (readonly { readonly id: EntryId; readonly fields: readonly string[] }[])[];
  readonly after: EntryId | undefined;
  readonly options: FoldArchivedOptions;
}

/** The last entry that is folded now. Dead letters are not written: they were, when the entries were new. */
async function commit(
  redis: RedisConnection,
  generation: Generation,
  { pages, after, options }: Pages,
): Promise<EntryId | 'superseded' | undefined> {
  const { shards, bounds, onProgress } = options;
  const { shard, catalogue, keys } = generation;
  const context = { shard, shards, upcasters: noUpcasters };
  const folding = createEntriesFold({ context, foldEvent: createFold(catalogue), bounds });
  for (const page of pages) for (const entry of page) folding.take(entry);
  let from = after;
  for (const { ids, delta } of folding.batches as readonly FoldedBatch[]) {
    const to = ids.at(-1) ?? '';
    const args = [from ?? '', to, encodeDelta(delta), ids.length];
    if ((await script.run(redis, [keys.deltas, keys.head], args)) === 'superseded') return 'superseded';
    from = to;
    onProgress(ids.length);
  }
  return from;
}
