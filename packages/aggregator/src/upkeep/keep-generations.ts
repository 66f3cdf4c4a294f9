import {
  askAll,
  generationKeys,
  type Installation,
  listShards,
  type RedisConnection,
} from '@streamfold/redis';
import type { Observe } from '../run/fact.ts';
import { beginDropping, dropFromShard, dropGeneration } from '../state/drop-generation.ts';
import { findOrphans } from '../state/find-orphans.ts';
import { describeGeneration } from '../state/generation.ts';
import { handOver, hasWrittenDeadLetters } from '../state/hand-over-dead-letters.ts';
import type { Registry } from '../state/read-registry.ts';

export interface KeepGenerationsOptions extends Installation {
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
  await dropOrphans(redis, { live: current.id, registered: generations.keys() }, options);
}

/** A program that did not know of a drop may have made the group of a dropped generation again. */
async function dropOrphans(
  redis: RedisConnection,
  { live, registered }: { live: string; registered: Iterable<string> },
  options: KeepGenerationsOptions,
): Promise<void> {
  const ids = [...registered];
  await askAll(listShards(options), async (shard) => {
    for (const id of await findOrphans(redis, shard, { live, registered: ids })) {
      await dropFromShard(redis, describeGeneration(id, shard));
      options.observe({ type: 'generation_dropped', generation: id });
    }
  });
}

async function isFoldedToItsEnd(
  redis: RedisConnection,
  id: string,
  installation: Installation,
): Promise<boolean> {
  const written = await askAll(listShards(installation), (shard) =>
    hasWrittenDeadLetters(redis, { keys: generationKeys(shard, id) }),
  );
  return written.every(Boolean);
}
