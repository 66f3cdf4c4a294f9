import type { GenerationKeys, RedisConnection } from '@streamfold/redis';
import { LOG_START, type RecordName } from './read-deltas.ts';

/**
 * HMGET head position tip
 *
 * The newest record of the delta log, or the start of the log if there is none. Constant cost, however long the log.
 */
export async function readHead(redis: RedisConnection, { head }: GenerationKeys): Promise<RecordName> {
  const [position, tip] = await redis.hmget(head, 'position', 'tip');
  if (typeof position !== 'string') return LOG_START;
  // An earlier version moves the position alone; the tip then names another record.
  const [tipPosition, nonce = ''] = typeof tip === 'string' ? tip.split(' ') : [];
  return { position, nonce: tipPosition === position ? nonce : '' };
}
