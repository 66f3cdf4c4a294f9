import type { RedisConnection } from '@streamfold/redis';
import type { Generation } from './generation.ts';

/**
 * XLEN dead
 *
 * Dead letters of the shard, from any writer. O(1).
 */
export async function countDeadLetters(
  redis: RedisConnection,
  { shardKeys }: Pick<Generation, 'shardKeys'>,
): Promise<number> {
  return redis.xlen(shardKeys.dead);
}
