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
  /** How long a retired generation is kept for aggregators that still serve it, ms. */
  readonly graceMs: number;
  readonly observe: Observe;
}

/** After this multiple of the grace period a retired generation is dropped, even if no aggregator has folded it to its end. */
const PATIENCE = 10;

/**
 * The periodic work of every aggregator on generations: it finishes steps of a rebuild that died, and drops retired and
 * cancelled generations. Any number of aggregators may do this at once.
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

/** A program that did not know of a drop may have created the group of a dropped generation again. */
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
