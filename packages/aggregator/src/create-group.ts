import type { RedisConnection } from '@streamfold/redis';
import { countTrimmed } from './count-trimmed.ts';
import type { Generation } from './generation.ts';

/**
 * XGROUP CREATE key group id MKSTREAM
 *
 * Makes sure that the generation's consumer group exists, and the stream with it. A new group starts at the oldest
 * entry, so that what was published before the first aggregator came is folded too.
 *
 * @returns `restored` where the group was gone although there is state (somebody destroyed it, or the stream): it then
 *   starts behind the last entry up to which everything had been folded, so that nothing is counted twice.
 */
export async function createGroup(
  redis: RedisConnection,
  generation: Generation,
): Promise<'created' | 'exists' | 'restored'> {
  const { shardKeys, keys } = generation;
  const from = (await redis.hget(keys.head, 'watermark')) ?? '0';
  try {
    await redis.xgroup('CREATE', shardKeys.events, keys.group, from, 'MKSTREAM');
    await redis.hdel(keys.head, 'baseline'); // what is gone by now is not lost to this group
    await countTrimmed(redis, generation);
    return from === '0' ? 'created' : 'restored';
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('BUSYGROUP')) return 'exists';
    throw error;
  }
}
