import { isAfter } from '@streamfold/core';
import {
  askAll,
  type Installation,
  listShards,
  loadScript,
  type RedisConnection,
  STREAM_LUA,
} from '@streamfold/redis';
import { describeGeneration, type Generation } from './generation.ts';
import type { RegisteredGeneration } from './read-registry.ts';

const script = loadScript(new URL('../../lua/hand-over-dead-letters.lua', import.meta.url), STREAM_LUA);

/**
 * EVALSHA hand-over-dead-letters.lua 3 events head-of-old head-of-new
 *
 * From this moment on the generation that has replaced `from` writes the dead letters of later entries, on one shard. Done
 * once, however often it is called.
 */
async function handOverDeadLetters(
  redis: RedisConnection,
  from: Pick<Generation, 'keys'>,
  to: Pick<Generation, 'keys' | 'shardKeys'>,
): Promise<void> {
  await script.run(redis, [to.shardKeys.events, from.keys.head, to.keys.head], []);
}

/**
 * HMGET head watermark dead_letters_until
 *
 * True if a replaced generation has folded every entry whose dead letters it writes, on one shard; only then may it be
 * dropped.
 */
export async function hasWrittenDeadLetters(
  redis: RedisConnection,
  { keys }: Pick<Generation, 'keys'>,
): Promise<boolean> {
  const [watermark, until] = await redis.hmget(keys.head, 'watermark', 'dead_letters_until');
  if (typeof until !== 'string') return false;
  return until === '0-0' || (typeof watermark === 'string' && !isAfter(until, watermark));
}

/** Hands the writing of dead letters over to the live generation, on all shards. */
export async function handOver(
  redis: RedisConnection,
  { id, replaces }: Pick<RegisteredGeneration, 'id' | 'replaces'>,
  installation: Installation,
): Promise<void> {
  if (replaces === undefined) return;
  await askAll(listShards(installation), (shard) =>
    handOverDeadLetters(redis, describeGeneration(replaces, shard), describeGeneration(id, shard)),
  );
}
