import {
  askAll,
  generationsKey,
  type Installation,
  listShards,
  loadScript,
  type RedisConnection,
  STREAM_LUA,
} from '@streamfold/redis';
import { describeGeneration, type Generation } from './generation.ts';
import { readSnapshotKeys } from './read-snapshot-pointer.ts';

const beginScript = loadScript(new URL('../../lua/begin-dropping.lua', import.meta.url), STREAM_LUA);
const dropScript = loadScript(new URL('../../lua/drop-generation.lua', import.meta.url), STREAM_LUA);

/**
 * EVALSHA begin-dropping.lua 1 registry id state age
 *
 * Gives up a generation that has been `from` for `ageMs`. False where it is not so; true also where it was given up before.
 */
export async function beginDropping(
  redis: RedisConnection,
  prefix: string,
  { id, from, ageMs }: { id: string; from: 'building' | 'retired'; ageMs: number },
): Promise<boolean> {
  return (await beginScript.run(redis, [generationsKey(prefix)], [id, from, ageMs])) === 1;
}

/**
 * EVALSHA drop-generation.lua 3 events head marks group id, then UNLINK for each key
 *
 * Removes what a generation that was given up has on one shard: its group and its state. Redis frees the memory in the
 * background, so that no step is long. May be done again after it broke off.
 */
export async function dropFromShard(
  redis: RedisConnection,
  { id, shardKeys, keys }: Generation,
): Promise<void> {
  await dropScript.run(redis, [shardKeys.events, keys.head, shardKeys.marks], [keys.group, id]);
  const { current, previous } = await readSnapshotKeys(redis, keys);
  for (const key of [current, previous]) if (key !== undefined) await redis.unlink(key);
  for (const key of [keys.snapshot, keys.snapshotWriter, keys.deltas]) await redis.unlink(key);
}

/** HDEL registry id:…: the last trace of it. Afterwards its ID means nothing; its number is not given again. */
async function forgetGeneration(redis: RedisConnection, prefix: string, id: string): Promise<void> {
  const fields = ['state', 'stage', 'replaces', 'since_ms', 'definitions'].map((name) => `${id}:${name}`);
  await redis.hdel(generationsKey(prefix), ...fields);
}

/** Removes all that a generation that was given up has, on all shards. */
export async function dropGeneration(
  redis: RedisConnection,
  id: string,
  installation: Installation,
): Promise<void> {
  await askAll(listShards(installation), (shard) => dropFromShard(redis, describeGeneration(id, shard)));
  await forgetGeneration(redis, installation.prefix, id);
}
