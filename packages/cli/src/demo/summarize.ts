import {
  histogramCount,
  mergeHistogram,
  readCoordinator,
  type Catalogue,
  type Delta,
  type Metric,
} from '@streamfold/core';

/** The current numbers that the demo shows. */
export interface Summary {
  readonly events: number;
  readonly eventsPerSecond: number;
  readonly lagEntries: number;
  readonly active: number;
  readonly blocked: number;
  readonly stale: number;
  /** `undefined` if nothing was observed yet. */
  readonly blockingP95Seconds: number | undefined;
  readonly latencyP95Seconds: number | undefined;
}

/** Reads the numbers from the states of all shards; `before` is the previous summary, `elapsedMs` ago. */
export function summarize(
  states: readonly Delta[],
  {
    catalogue,
    before,
    lagEntries,
  }: { catalogue: Catalogue; before: { events: number; elapsedMs: number }; lagEntries: number },
): Summary {
  const statuses = { active: 0, blocked: 0, stale: 0 };
  let events = 0;
  for (const state of states) {
    events += state.totals.events;
    for (const registers of state.coordinators.values()) {
      const coordinator = readCoordinator(registers);
      if (coordinator !== undefined) statuses[coordinator.status]++;
    }
  }
  return {
    events,
    eventsPerSecond: ((events - before.events) * 1_000) / Math.max(1, before.elapsedMs),
    lagEntries,
    ...statuses,
    blockingP95Seconds: quantile(states, find(catalogue, 'blocking_duration_seconds'), 0.95),
    latencyP95Seconds: quantile(states, find(catalogue, 'signal_delivery_latency_seconds'), 0.95),
  };
}

function find(catalogue: Catalogue, name: string): Metric | undefined {
  return catalogue.find((each) => each.name === name);
}

/** The quantile of a histogram over all its series, interpolated linearly within a bucket like `histogram_quantile`. */
function quantile(states: readonly Delta[], metric: Metric | undefined, share: number): number | undefined {
  if (metric?.type !== 'histogram') return undefined;
  const total = { sumMicros: 0, buckets: new Array<number>(metric.buckets.length + 1).fill(0) };
  for (const state of states) {
    for (const value of state.series.get(metric.name)?.values() ?? []) {
      if (typeof value === 'object') mergeHistogram(total, value);
    }
  }
  const rank = share * histogramCount(total);
  if (rank === 0) return undefined;
  let below = 0;
  for (const [bucket, bound] of metric.buckets.entries()) {
    const count = total.buckets[bucket] ?? 0;
    if (below + count >= rank) {
      const from = metric.buckets[bucket - 1] ?? 0;
      return from + ((bound - from) * (rank - below)) / count;
    }
    below += count;
  }
  return metric.buckets.at(-1);
}
