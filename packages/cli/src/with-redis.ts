import {
  agreeOnShardCount,
  checkShardCount,
  connectRedis,
  redactUrl,
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
 * @throws {Error} where Redis cannot be reached; the text names where it was looked for.
 * @throws {ConfigurationError} where Redis holds another number of shards.
 */
export async function withRedis<T>(
  { redis: url, prefix, shards }: Configuration,
  work: (redis: RedisConnection) => Promise<T>,
  { shardCount = 'record' }: { shardCount?: 'record' | 'compare' | 'leave' } = {},
): Promise<T> {
  let lastError: Error | undefined;
  const redis = connectRedis(url, {
    name: 'streamfold-cli',
    commandTimeoutMs: COMMAND_TIMEOUT_MS,
    onError: (error) => {
      lastError = error;
    },
  });
  try {
    redis.connect().catch(() => undefined); // its failure is the one that whenReady tells
    await whenReady(redis, CONNECT_TIMEOUT_MS).catch((cause: unknown) => {
      const why = lastError ?? (cause instanceof Error ? cause : new Error(String(cause)));
      throw new Error(`Redis: expected an answer at ${redactUrl(url)}; got ${why.message || String(why)}`, {
        cause,
      });
    });
    if (shardCount === 'record') await agreeOnShardCount(redis, prefix, shards);
    if (shardCount === 'compare') await checkShardCount(redis, prefix, shards);
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}
