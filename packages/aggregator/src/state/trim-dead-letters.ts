import type { RedisConnection } from '@streamfold/redis';
import type { Generation } from './generation.ts';

/** Dead letters trimmed at once: some ms of Redis. */
const TRIMMED_AT_ONCE = 10_000;

/**
 * XTRIM dead MAXLEN ~ most LIMIT n
 *
 * Drops the oldest dead letters of a shard beyond `most`, whole nodes of the stream only, so that some hundred more may be
 * kept. Returns how many went.
 */
export async function trimDeadLetters(
  redis: RedisConnection,
  { shardKeys }: Pick<Generation, 'shardKeys'>,
  most: number,
): Promise<number> {
  return redis.xtrim(shardKeys.dead, 'MAXLEN', '~', most, 'LIMIT', TRIMMED_AT_ONCE);
}
