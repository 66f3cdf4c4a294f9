import { isAfter } from '@streamfold/core';
import { loadScript, type RedisConnection } from '@streamfold/redis';
import type { Generation } from '../generation.ts';

const script = loadScript(new URL('../../lua/hand-over-dead-letters.lua', import.meta.url));

/**
 * EVALSHA hand-over-dead-letters.lua 3 events head-of-old head-of-new
 *
 * From this moment on the dead letters of later entries are written by the generation that has replaced `from`, on one
 * shard. Done once, however often it is asked.
 */
export async function handOverDeadLetters(
  redis: RedisConnection,
  from: Pick<Generation, 'keys'>,
  to: Pick<Generation, 'keys' | 'shardKeys'>,
): Promise<void> {
  await script.run(redis, [to.shardKeys.events, from.keys.head, to.keys.head], []);
}

/**
 * HMGET head watermark dead_letters_until
 *
 * True where a replaced generation has folded every entry whose dead letters are its own, on one shard; only then may it
 * be dropped.
 */
export async function hasWrittenDeadLetters(
  redis: RedisConnection,
  { keys }: Pick<Generation, 'keys'>,
): Promise<boolean> {
  const [watermark, until] = await redis.hmget(keys.head, 'watermark', 'dead_letters_until');
  if (typeof until !== 'string') return false;
  return until === '0-0' || (typeof watermark === 'string' && !isAfter(until, watermark));
}
