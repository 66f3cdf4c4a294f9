import { readNearBound, type NearBound } from '@streamfold/coordination';
import { askAll, type Installation, listShards, type RedisConnection } from '@streamfold/redis';
import { createCondition } from '../run/condition.ts';
import type { Observe } from '../run/fact.ts';

/** Interval between two checks, ms: an inbox fills within minutes. */
export const LOOK_AT_BOUNDS_MS = 5_000;

export interface BoundsContext extends Installation {
  readonly observe: Observe;
}

/** Returns a function that looks for keys of coordination that are nearly full, on all shards in parallel, and reports them. */
export function createBoundsWatch(redis: RedisConnection, context: BoundsContext): () => Promise<void> {
  const { observe } = context;
  const report = createCondition('keys_near_bound', observe);
  return async () => {
    const found = await askAll(listShards(context), (shard) => readNearBound(redis, shard));
    for (const [shard, near] of found.entries())
      report(shard, near.inboxes === 0 ? undefined : describe(near));
    observe({ type: 'near_bound_counted', keys: found.reduce((sum, { inboxes }) => sum + inboxes, 0) });
  };
}

function describe({ inboxes, fullest, percent }: NearBound): string {
  const others = inboxes === 1 ? '' : `, and ${inboxes - 1} more`;
  return `${fullest} is ${percent} % full${others}: its coordinator must settle its signals, or nobody should send to it`;
}
