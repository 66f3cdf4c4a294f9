import type { RedisConnection } from './connect.ts';

/** TIME: the clock of Redis in ms, which is the clock of all events. */
export async function readServerTimeMs(redis: RedisConnection): Promise<number> {
  const [seconds, micros] = await redis.time();
  return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
}
