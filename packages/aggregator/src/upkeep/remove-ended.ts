import { retainEnded } from '@streamfold/coordination';
import type { RedisConnection } from '@streamfold/redis';
import type { Observe } from '../run/fact.ts';

/** How often it is looked for coordinators that ended long ago, ms: each time costs one call per shard. */
export const REMOVE_ENDED_EVERY_MS = 60_000;

/**
 * Removes what coordinators left whose last life ended long ago, on all shards; any number of aggregators may do this at
 * once. What has work or signals that nobody took over stays, and is counted.
 */
export async function removeEnded(
  redis: RedisConnection,
  options: {
    readonly prefix: string;
    readonly shards: number;
    readonly endedForMs: number;
    readonly observe: Observe;
  },
): Promise<void> {
  const { prefix, shards, endedForMs, observe } = options;
  for (let shard = 0; shard < shards; shard++) {
    const found = await retainEnded(redis, { prefix, shard }, { endedForMs });
    observe({ type: 'ended_coordinators_removed', shard, ...found });
  }
}
