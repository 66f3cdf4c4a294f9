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
 * Starts to drop a generation that has been `from` for `ageMs`. False if it has not; true also if it is already being
 * dropped.
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
 * Removes the group and the state of a generation being dropped on one shard. Redis frees the memory in the background, so
 * that no step is long. Can be repeated after an interruption.
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

/** HDEL registry id:…: its last trace. Afterwards its ID means nothing; its number is not used again. */
async function forgetGeneration(redis: RedisConnection, prefix: string, id: string): Promise<void> {
  const fields = ['state', 'stage', 'replaces', 'since_ms', 'definitions'].map((name) => `${id}:${name}`);
  await redis.hdel(generationsKey(prefix), ...fields);
}

/** Removes everything of a generation being dropped, on all shards. */
export async function dropGeneration(
  redis: RedisConnection,
  id: string,
  installation: Installation,
): Promise<void> {
  await askAll(listShards(installation), (shard) => dropFromShard(redis, describeGeneration(id, shard)));
  await forgetGeneration(redis, installation.prefix, id);
}
