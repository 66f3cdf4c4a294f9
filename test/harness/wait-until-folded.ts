import { findGeneration, measureLag, type Generation } from '@streamfold/aggregator';
import type { RedisConnection } from '@streamfold/redis';
import { waitUntil } from './wait-until.ts';

/** Resolves once nothing in the stream of the shard is undelivered or pending, and at least one entry was ever folded. */
export async function waitUntilFolded(
  redis: RedisConnection,
  { prefix, shard = 0 }: { prefix: string; shard?: number },
): Promise<void> {
  await waitUntil(`all of ${prefix}:{${shard}}:events to be folded`, async () => {
    try {
      const generation = await findGeneration(redis, { prefix, shard });
      if (generation === undefined) return false;
      return (await measureLag(redis, generation)).lagEntries === 0;
    } catch {
      return false; // the group does not exist yet, or Redis is away
    }
  });
}

/** The live generation, once an aggregator has opened it. */
export async function waitForGeneration(
  redis: RedisConnection,
  prefix: string,
  shard = 0,
): Promise<Generation> {
  let generation: Generation | undefined;
  await waitUntil(`a generation of ${prefix} and its group`, async () => {
    generation = await findGeneration(redis, { prefix, shard });
    if (generation === undefined) return false;
    const { shardKeys, keys } = generation;
    const groups = await redis.xinfo('GROUPS', shardKeys.events).catch(() => []);
    return JSON.stringify(groups).includes(keys.group);
  });
  if (generation === undefined) throw new Error('unreachable');
  return generation;
}
