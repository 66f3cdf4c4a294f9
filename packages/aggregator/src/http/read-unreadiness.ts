import { isReady, type RedisConnection } from '@streamfold/redis';
import type { Generation } from '../state/generation.ts';
import type { SwarmMetrics } from '../view/swarm-metrics.ts';

/** Why an aggregator is not ready to serve, or `undefined` where it is: Redis answers, groups exist, the first view is loaded. */
export async function readUnreadiness(
  redis: RedisConnection,
  parts: {
    readonly generations: readonly Generation[];
    readonly unreadable: string | undefined;
    readonly serves: boolean;
    readonly swarmMetrics: SwarmMetrics | undefined;
  },
): Promise<string | undefined> {
  if (!isReady(redis)) return 'Redis is not reached';
  if (parts.unreadable !== undefined) return parts.unreadable;
  if (parts.generations.length === 0) return 'the consumer groups are not there yet';
  if (parts.serves && parts.swarmMetrics?.loaded !== true) return 'the first view is not loaded yet';
  try {
    await redis.ping();
    return undefined;
  } catch {
    return 'Redis does not answer';
  }
}
