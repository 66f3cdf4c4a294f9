import { createShardView, openGeneration } from '@streamfold/aggregator';
import { histogramCount, type Delta } from '@streamfold/core';
import type { Redis } from 'ioredis';

/** The counts of the whole stream in the state. */
export interface Folded {
  readonly events: number;
  readonly deadLetters: number;
  /** Observations and counts, by metric. */
  readonly counts: ReadonlyMap<string, number>;
}

/** Reads the state that the aggregators have left in Redis, as an aggregator that starts now does. */
export async function readFolded(redis: Redis): Promise<Folded> {
  const view = createShardView({
    redis,
    generation: await openGeneration(redis, { prefix: 'streamfold', shard: 0 }),
    listener: { changed: () => undefined, replaced: () => undefined },
    observe: () => undefined,
    createId: () => 'bench',
  });
  await view.refresh();
  const { totals } = view.state;
  const deadLetters = [...totals.deadLetters.values()].reduce((sum, count) => sum + count, 0);
  return { events: totals.events, deadLetters, counts: countByMetric(view.state) };
}

function countByMetric(state: Delta): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [name, series] of state.series) {
    let count = 0;
    for (const value of series.values()) count += typeof value === 'number' ? value : histogramCount(value);
    counts.set(name, count);
  }
  return counts;
}
