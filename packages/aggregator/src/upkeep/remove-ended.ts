import { retainEnded } from '@streamfold/coordination';
import { askAll, type Installation, listShards, type RedisConnection, type Shard } from '@streamfold/redis';
import type { Observe } from '../run/fact.ts';

/** Interval between searches for coordinators that ended long ago, ms: each costs one call per shard. */
export const REMOVE_ENDED_EVERY_MS = 60_000;
/** Shards at a time: a step occupies Redis for a few ms, and steps sent together occupy it one after the other. */
const SHARDS_AT_ONCE = 8;

/**
 * Removes the keys of coordinators whose last life ended long ago, on all shards; any number of aggregators may do this at
 * once. Coordinators with work or signals that nobody took over stay, and are counted.
 */
export async function removeEnded(
  redis: RedisConnection,
  options: Installation & { readonly endedForMs: number; readonly observe: Observe },
): Promise<void> {
  const { endedForMs, observe } = options;
  const removeOn = async (shard: Shard): Promise<void> => {
    const found = await retainEnded(redis, shard, { endedForMs });
    observe({ type: 'ended_coordinators_removed', shard: shard.shard, ...found });
  };
  await askAll(listShards(options), removeOn, SHARDS_AT_ONCE);
}
