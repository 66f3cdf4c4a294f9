import {
  agreeOnShardCount,
  checkShardCount,
  connectRedis,
  whenReady,
  type RedisConnection,
} from '@streamfold/redis';
import type { Configuration } from './configuration.ts';

/** Redis must answer the commands of the command line within this time. */
const COMMAND_TIMEOUT_MS = 30_000;
const CONNECT_TIMEOUT_MS = 5_000;

/**
 * Does `work` with a connection that is closed afterwards. Before that it records the number of shards in Redis, compares
 * it with the recorded one (for work that only reads), or does neither.
 *
 * @throws {ConnectionError} if Redis cannot be reached; the text names the address, the failure and what to do.
 * @throws {ConfigurationError} if Redis holds another number of shards.
 */
export async function withRedis<T>(
  configuration: Configuration,
  work: (redis: RedisConnection) => Promise<T>,
  { shardCount = 'record' }: { shardCount?: 'record' | 'compare' | 'leave' } = {},
): Promise<T> {
  const redis = connectRedis(configuration.redis, {
    name: 'streamfold-cli',
    commandTimeoutMs: COMMAND_TIMEOUT_MS,
  });
  try {
    redis.connect().catch(() => undefined); // whenReady throws the same
    await whenReady(redis, CONNECT_TIMEOUT_MS);
    if (shardCount === 'record') await agreeOnShardCount(redis, configuration);
    if (shardCount === 'compare') await checkShardCount(redis, configuration);
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}
