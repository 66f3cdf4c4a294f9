import { generationsKey, loadScript, STREAM_LUA, type RedisConnection } from '@streamfold/redis';

const switchScript = loadScript(new URL('../../lua/switch-generation.lua', import.meta.url), STREAM_LUA);
const followScript = loadScript(new URL('../../lua/follow-stream.lua', import.meta.url));

/**
 * EVALSHA switch-generation.lua 1 registry live built
 *
 * Makes `built` the live generation instead of `live`, on all shards in one step. False if they are in other states.
 */
export async function switchGeneration(
  redis: RedisConnection,
  prefix: string,
  { live, built }: { live: string; built: string },
): Promise<boolean> {
  return (await switchScript.run(redis, [generationsKey(prefix)], [live, built])) === 1;
}

/**
 * EVALSHA follow-stream.lua 1 registry id
 *
 * From now on every aggregator folds the generation, from the stream. False if it is no longer being built.
 */
export async function followStream(redis: RedisConnection, prefix: string, id: string): Promise<boolean> {
  return (await followScript.run(redis, [generationsKey(prefix)], [id])) === 1;
}
