import type { Generation } from '@streamfold/aggregator';
import type { Redis } from 'ioredis';
import { startAggregator } from './start-aggregator.ts';
import { nextPrefix } from './start-redis.ts';
import { waitForGeneration } from './wait-until-folded.ts';

/** A prefix with a consumer group, but without a running aggregator. */
export async function openGroup(
  redis: Redis,
  redisUrl: string,
): Promise<{ prefix: string; generation: Generation }> {
  const prefix = nextPrefix();
  const aggregator = await startAggregator({ redisUrl, prefix });
  const generation = await waitForGeneration(redis, prefix);
  await aggregator.stop();
  return { prefix, generation };
}
