import {
  generationKeys,
  loadScript,
  type RedisConnection,
  type Shard,
  shardKeys,
  STREAM_LUA,
} from '@streamfold/redis';

const script = loadScript(new URL('../../lua/find-orphans.lua', import.meta.url), STREAM_LUA);

/**
 * EVALSHA find-orphans.lua 2 events marks prefix live id …
 *
 * Dropped generations that still have a consumer group on a shard.
 *
 * @param registered IDs of all generations in the registry.
 */
export async function findOrphans(
  redis: RedisConnection,
  shard: Shard,
  { live, registered }: { readonly live: string; readonly registered: Iterable<string> },
): Promise<string[]> {
  const { events, marks } = shardKeys(shard);
  const { group } = generationKeys(shard, '');
  return (await script.run(redis, [events, marks], [group, live, ...registered])) as string[];
}
