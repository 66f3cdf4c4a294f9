import { stepMonitor, type MonitorSettings } from '@streamfold/coordination';
import type { RedisConnection } from '@streamfold/redis';
import type { Observe } from '../run/fact.ts';

/** Between two steps, ms: an episode is told of so much later at most. */
export const MONITOR_EVERY_MS = 500;
/** Subjects moved by one step, of each kind: some 5 ms of Redis. */
const STEP_LIMIT = 200;
/** No step for so long was an outage of the monitors or of Redis, ms: eight steps of a single aggregator. */
const OUTAGE_MS = 4_000;

/** Moves what is overdue on one shard, in bounded steps, until nothing is. */
export async function monitorShard(
  redis: RedisConnection,
  { prefix, shard }: { readonly prefix: string; readonly shard: number },
  { observe, graceMs }: { readonly observe: Observe; readonly graceMs: number },
): Promise<void> {
  const settings: MonitorSettings = { limit: STEP_LIMIT, outageMs: OUTAGE_MS, graceMs };
  for (;;) {
    const { stale, dead, waits, signals, more, graceLeftMs } = await stepMonitor(
      redis,
      { prefix, shard },
      settings,
    );
    if (graceLeftMs === graceMs) observe({ type: 'monitor_suspended', shard, graceMs });
    if (stale + dead + waits + signals > 0)
      observe({ type: 'monitor_moved', shard, stale, dead, waits, signals });
    if (!more) return;
  }
}
