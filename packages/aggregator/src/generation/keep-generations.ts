import { generationKeys, type RedisConnection } from '@streamfold/redis';
import type { Observe } from '../fact.ts';
import { describeGeneration } from '../generation.ts';
import { beginDropping, dropFromShard, forgetGeneration } from './drop-generation.ts';
import { handOverDeadLetters, hasWrittenDeadLetters } from './hand-over-dead-letters.ts';
import type { RegisteredGeneration, Registry } from './read-registry.ts';

export interface KeepGenerationsOptions {
  readonly prefix: string;
  readonly shards: number;
  /** For how long a retired generation is kept for those who still serve it, ms. */
  readonly graceMs: number;
  readonly observe: Observe;
}

/** After so many times the grace a retired generation is dropped, even if nobody was there to fold it to its end. */
const PATIENCE = 10;

/**
 * What every aggregator does about generations now and then: ends what a rebuild has begun and did not live to see, and
 * drops what is retired and what was given up. Any number of them may do it at once.
 */
export async function keepGenerations(
  redis: RedisConnection,
  { live, generations }: Registry,
  options: KeepGenerationsOptions,
): Promise<void> {
  const { prefix, graceMs, observe } = options;
  const current = live === undefined ? undefined : generations.get(live);
  if (current === undefined) return;
  await handOver(redis, current, options);
  for (const { id, state } of generations.values()) {
    if (state === 'retired') {
      const ageMs = (await isFoldedToItsEnd(redis, id, options)) ? graceMs : PATIENCE * graceMs;
      if (!(await beginDropping(redis, prefix, { id, from: 'retired', ageMs }))) continue;
    } else if (state !== 'dropping') continue;
    await dropGeneration(redis, id, options);
    observe({ type: 'generation_dropped', generation: id });
  }
}

/** Removes all that a generation that was given up has, on all shards. */
export async function dropGeneration(
  redis: RedisConnection,
  id: string,
  { prefix, shards }: Pick<KeepGenerationsOptions, 'prefix' | 'shards'>,
): Promise<void> {
  for (let shard = 0; shard < shards; shard++)
    await dropFromShard(redis, describeGeneration(id, { prefix, shard, catalogue: [] }));
  await forgetGeneration(redis, prefix, id);
}

/** Hands the writing of dead letters over to the generation that is live, on all shards. */
export async function handOver(
  redis: RedisConnection,
  { id, replaces }: Pick<RegisteredGeneration, 'id' | 'replaces'>,
  { prefix, shards }: Pick<KeepGenerationsOptions, 'prefix' | 'shards'>,
): Promise<void> {
  if (replaces === undefined) return;
  for (let shard = 0; shard < shards; shard++) {
    const from = { keys: generationKeys(prefix, shard, replaces) };
    await handOverDeadLetters(redis, from, describeGeneration(id, { prefix, shard, catalogue: [] }));
  }
}

async function isFoldedToItsEnd(
  redis: RedisConnection,
  id: string,
  { prefix, shards }: KeepGenerationsOptions,
): Promise<boolean> {
  for (let shard = 0; shard < shards; shard++) {
    if (!(await hasWrittenDeadLetters(redis, { keys: generationKeys(prefix, shard, id) }))) return false;
  }
  return true;
}
