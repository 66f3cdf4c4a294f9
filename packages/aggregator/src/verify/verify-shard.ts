import { noUpcasters } from '@streamfold/core';
import type { RedisConnection } from '@streamfold/redis';
import type { Generation } from '../generation.ts';
import { compareStates, type Difference } from './compare-states.ts';
import { foldStream } from './fold-stream.ts';
import { readCut } from './read-cut.ts';
import { readStateAt } from './read-state-at.ts';

export interface Verification {
  readonly shard: number;
  readonly generation: string;
  /** Entries folded from the stream. */
  readonly entries: number;
  /** Entries delivered and not acknowledged at the cut: in neither of the two. */
  readonly pendingEntries: number;
  /** Entries that are in the stream no more, so that they could not be folded again. */
  readonly missingEntries: number;
  readonly equal: boolean;
  readonly differences: readonly Difference[];
}

/** How often a new cut is tried where the delta log was trimmed while the live state was read. */
const CUT_TRIES = 5;

/**
 * Folds a shard's stream independently of its state, and compares the two at a consistent cut, bit for bit. Aggregators
 * may go on all the while.
 */
export async function verifyShard(
  redis: RedisConnection,
  generation: Generation,
  { shards, onProgress }: { shards: number; onProgress: (entries: number) => void },
): Promise<Verification> {
  const { shard, keys, shardKeys, catalogue } = generation;
  for (let tries = 0; tries < CUT_TRIES; tries++) {
    const cut = await readCut(redis, generation);
    const live = await readStateAt(redis, keys, cut.position);
    if (live === undefined) continue;
    const context = { shard, shards, upcasters: noUpcasters };
    const folded = await foldStream(redis, shardKeys.events, { cut, catalogue, context, onProgress });
    const differences = compareStates(live, folded.state, catalogue);
    return {
      shard,
      generation: generation.id,
      entries: folded.entries,
      pendingEntries: cut.pending.size,
      missingEntries: cut.entriesAdded - cut.length,
      equal: differences.length === 0,
      differences,
    };
  }
  throw new Error(
    `delta log ${keys.deltas}: expected it to reach back to a cut; it was trimmed ${CUT_TRIES} times meanwhile`,
  );
}
