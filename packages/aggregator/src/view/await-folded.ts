import type { EntryId } from '@streamfold/core';
import { askAll, generationKeys, type RedisConnection } from '@streamfold/redis';
import type { Pause } from '../run/retry.ts';
import type { Generation } from '../state/generation.ts';
import { haveFolded, readLastDelivered } from '../state/has-folded.ts';
import type { Registry } from '../state/read-registry.ts';

/** A new live generation must have folded everything that was shown before within this time: less than a scrape may take. */
const DEADLINE_MS = 4_000;
const LOOK_MS = 10;

/**
 * Waits until a generation, given for each shard, has folded every entry that previous live generations can have shown
 * by now.
 *
 * @throws {Error} if it has not within some seconds.
 */
export async function awaitFolded(
  redis: RedisConnection,
  { shards, registry }: { shards: readonly Generation[]; registry: Registry },
  { now, pause }: { now: () => number; pause: Pause },
): Promise<void> {
  const generations = [...registry.generations.values()];
  const retired = generations.filter(({ state }) => state === 'retired').map(({ id }) => id);
  const shown = await askAll(shards, (shard) => readShown(redis, shard, retired));
  const deadlineMs = now() + DEADLINE_MS;
  while (!(await haveFolded(redis, shards, shown))) {
    if (now() > deadlineMs)
      throw new Error(
        `generation ${registry.live}: expected it to have folded what was shown before; it has not yet`,
      );
    await pause(LOOK_MS, NEVER);
  }
}

const NEVER = new AbortController().signal;

/** The last entry of a shard that these generations may have shown. */
async function readShown(
  redis: RedisConnection,
  generation: Generation,
  ids: readonly string[],
): Promise<EntryId | undefined> {
  if (ids.length === 0) return undefined;
  const groups = ids.map((id) => generationKeys(generation, id).group);
  return readLastDelivered(redis, generation.shardKeys.events, groups);
}
