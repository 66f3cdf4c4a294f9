import type { RedisConnection } from '@streamfold/redis';
import type { Generation } from './generation.ts';

/** Dead letters trimmed at once: a few ms of Redis. */
const TRIMMED_AT_ONCE = 10_000;

/**
 * XTRIM dead MAXLEN ~ most LIMIT n
 *
 * Drops the oldest dead letters of a shard beyond `most`, but only whole nodes of the stream, so that about a hundred
 * more may be kept. Returns the number dropped.
 */
export async function trimDeadLetters(
  redis: RedisConnection,
  { shardKeys }: Pick<Generation, 'shardKeys'>,
  most: number,
): Promise<number> {
  return redis.xtrim(shardKeys.dead, 'MAXLEN', '~', most, 'LIMIT', TRIMMED_AT_ONCE);
}
