import type { GenerationKeys, RedisConnection } from '@streamfold/redis';
import { LOG_START, type Position } from './read-deltas.ts';

/** HGET head position: where the delta log ends. Constant cost, however long the log. */
export async function readHead(redis: RedisConnection, { head }: GenerationKeys): Promise<Position> {
  return (await redis.hget(head, 'position')) ?? LOG_START;
}
