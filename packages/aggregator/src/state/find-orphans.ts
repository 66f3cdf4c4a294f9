import { generationKeys, loadScript, shardKeys, STREAM_LUA, type RedisConnection } from '@streamfold/redis';

const script = loadScript(new URL('../../lua/find-orphans.lua', import.meta.url), STREAM_LUA);

/**
 * EVALSHA find-orphans.lua 2 events marks prefix live id …
 *
 * Generations that were dropped and have a consumer group on a shard all the same.
 *
 * @param registered IDs of all generations in the registry.
 */
export async function findOrphans(
  redis: RedisConnection,
  { prefix, shard }: { readonly prefix: string; readonly shard: number },
  { live, registered }: { readonly live: string; readonly registered: Iterable<string> },
): Promise<string[]> {
  const { events, marks } = shardKeys(prefix, shard);
  const { group } = generationKeys(prefix, shard, '');
  return (await script.run(redis, [events, marks], [group, live, ...registered])) as string[];
}
