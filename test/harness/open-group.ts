import type { Generation } from '@streamfold/aggregator';
import type { Redis } from 'ioredis';
import { startAggregator } from './start-aggregator.ts';
import { nextPrefix } from './start-redis.ts';
import { waitForGeneration } from './wait-until-folded.ts';

/** A prefix whose group exists, without an aggregator that runs. */
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
