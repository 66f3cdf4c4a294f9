import { ensureLibrary, stepMonitor, type MonitorSettings } from '@streamfold/coordination';
import { askAll, listShards, type Installation, type RedisConnection, type Shard } from '@streamfold/redis';
import { createCondition, type ReportCondition } from '../run/condition.ts';
import type { Observe } from '../run/fact.ts';

/** Interval between two steps, ms: an episode is reported at most this much later. */
export const MONITOR_EVERY_MS = 500;
/** Subjects moved by one step, of each kind: about 5 ms of Redis. */
const STEP_LIMIT = 200;
/**
 * Shards that are stepped at a time. Redis runs what was sent without a break: after an outage everything may be overdue, and
 * 16 steps take it about 80 ms.
 */
const SHARDS_AT_ONCE = 16;
/** A pause between steps that counts as an outage of the monitors or of Redis, ms: eight steps of a single aggregator. */
const OUTAGE_MS = 4_000;

export interface MonitorOptions extends Installation {
  readonly monitorGraceMs: number;
  readonly observe: Observe;
}

/**
 * Returns a function that moves overdue subjects on all shards, some of them in parallel, in bounded steps until none is left. A
 * shard that fails does not delay the others; afterwards the function throws the first failure.
 */
export function createMonitor(redis: RedisConnection, options: MonitorOptions): () => Promise<void> {
  let libraryEnsured = false;
  // It is set during the grace period after a step, even in processes that did not notice the step themselves.
  const reportClock = createCondition('redis_clock_stepped_back', options.observe);
  return async () => {
    if (!libraryEnsured) await ensureLibrary(redis);
    libraryEnsured = true;
    const monitor = (shard: Shard): Promise<void> => monitorShard(redis, shard, { ...options, reportClock });
    await askAll(listShards(options), monitor, SHARDS_AT_ONCE);
  };
}

async function monitorShard(
  redis: RedisConnection,
  on: Shard,
  options: MonitorOptions & { readonly reportClock: ReportCondition },
): Promise<void> {
  const { observe, monitorGraceMs: graceMs, reportClock } = options;
  const { shard } = on;
  const settings: MonitorSettings = { limit: STEP_LIMIT, outageMs: OUTAGE_MS, graceMs };
  for (;;) {
    const step = await stepMonitor(redis, on, settings);
    const { stale, dead, waits, signals, setAside, clockBackMs } = step;
    if (step.suspended) observe({ type: 'monitor_suspended', shard, graceMs });
    if (step.suspended && clockBackMs > 0)
      observe({ type: 'clock_stepped_back', shard, backMs: clockBackMs });
    if (setAside > 0) observe({ type: 'records_set_aside', shard, records: setAside });
    if (stale + dead + waits + signals > 0)
      observe({ type: 'monitor_moved', shard, stale, dead, waits, signals });
    reportClock(shard, clockBackMs > 0 ? describeStep(clockBackMs) : undefined);
    if (!step.more) return;
  }
}

function describeStep(backMs: number): string {
  return `the clock of Redis went back by ${backMs} ms; nothing is overdue for a grace period`;
}
