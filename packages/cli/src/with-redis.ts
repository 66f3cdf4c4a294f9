import {
  agreeOnShardCount,
  checkShardCount,
  connectRedis,
  whenReady,
  type RedisConnection,
} from '@streamfold/redis';
import type { Configuration } from './configuration.ts';

/** Redis must answer a command of a person's within this time. */
const COMMAND_TIMEOUT_MS = 30_000;
const CONNECT_TIMEOUT_MS = 5_000;

/**
 * Does `work` with a connection that is closed afterwards. The number of shards is recorded in Redis first or, where
 * the work only looks, compared with what is recorded there, or left alone.
 *
 * @throws {ConnectionError} if Redis cannot be reached; the text names the address, what came instead and what to do.
 * @throws {ConfigurationError} where Redis holds another number of shards.
 */
export async function withRedis<T>(
  { redis: url, prefix, shards }: Configuration,
  work: (redis: RedisConnection) => Promise<T>,
  { shardCount = 'record' }: { shardCount?: 'record' | 'compare' | 'leave' } = {},
): Promise<T> {
  const redis = connectRedis(url, { name: 'streamfold-cli', commandTimeoutMs: COMMAND_TIMEOUT_MS });
  try {
    redis.connect().catch(() => undefined); // whenReady throws the same
    await whenReady(redis, CONNECT_TIMEOUT_MS);
    if (shardCount === 'record') await agreeOnShardCount(redis, prefix, shards);
    if (shardCount === 'compare') await checkShardCount(redis, prefix, shards);
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}
