import { ConfigurationError } from './configuration-error.ts';
import type { RedisConnection } from './connect.ts';
import type { Installation } from './installation.ts';
import { shardCountKey } from './keys.ts';

/**
 * SET key shards NX GET
 *
 * Records the number of shards at first use, and makes sure ever after that all programs agree on it: with another
 * number, a swarm's events would go to, or be looked for in, another stream.
 *
 * @throws {ConfigurationError} if Redis holds another number.
 */
export async function agreeOnShardCount(redis: RedisConnection, installation: Installation): Promise<void> {
  const { prefix, shards } = installation;
  compareShardCounts(await redis.set(shardCountKey(prefix), String(shards), 'NX', 'GET'), installation);
}

/**
 * GET key
 *
 * The same for programs that only read: nothing is recorded.
 *
 * @throws {ConfigurationError} if Redis holds another number.
 */
export async function checkShardCount(redis: RedisConnection, installation: Installation): Promise<void> {
  compareShardCounts(await redis.get(shardCountKey(installation.prefix)), installation);
}

function compareShardCounts(recorded: string | null, { prefix, shards }: Installation): void {
  if (recorded === null || recorded === String(shards)) return;
  throw new ConfigurationError(
    `expected ${recorded}, the number of shards recorded in Redis (${shardCountKey(prefix)}); got ${shards}`,
    { options: ['shards'] },
  );
}
