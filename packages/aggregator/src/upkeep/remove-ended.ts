import { retainEnded } from '@streamfold/coordination';
import { askAll, type Installation, listShards, type RedisConnection, type Shard } from '@streamfold/redis';
import type { Observe } from '../run/fact.ts';

/** How often it is looked for coordinators that ended long ago, ms: each time costs one call per shard. */
export const REMOVE_ENDED_EVERY_MS = 60_000;
/** Shards at a time: a step holds Redis for some ms, and all that are sent together hold it one after the other. */
const SHARDS_AT_ONCE = 8;

/**
 * Removes what coordinators left whose last life ended long ago, on all shards; any number of aggregators may do this at
 * once. What has work or signals that nobody took over stays, and is counted.
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
