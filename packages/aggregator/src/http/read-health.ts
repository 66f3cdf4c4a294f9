import type { RedisConnection } from '@streamfold/redis';
import type { Generation } from '../generation.ts';
import { measureLag } from '../measure-lag.ts';

/** Body of `GET /prometheus/health`; what cannot be known without Redis is null. */
export interface Health {
  readonly status: 'healthy' | 'degraded' | 'unhealthy';
  readonly redis: 'connected' | 'unreachable';
  readonly lag_entries: number | null;
  readonly lag_seconds: number | null;
  readonly pending: number | null;
  readonly generation: string | null;
  readonly uptime_seconds: number;
  readonly version: string;
}

/** Folding is this far behind: `degraded`. */
const DEGRADED_LAG_SECONDS = 60;

/**
 * Measures all shards now. `unhealthy` where Redis cannot be reached or the shards are not open yet, `degraded` where
 * folding lags by a minute or more or the view cannot follow.
 */
export async function readHealth(
  redis: RedisConnection,
  generations: readonly Generation[],
  process: { uptimeSeconds: number; version: string; viewFollows: boolean },
): Promise<Health> {
  const constant = { uptime_seconds: process.uptimeSeconds, version: process.version };
  const generation = generations[0]?.id ?? null;
  try {
    if (generation === null) throw new Error('the shards are not open yet');
    let entries = 0;
    let seconds = 0;
    let pending = 0;
    for (const each of generations) {
      const lag = await measureLag(redis, each);
      entries += lag.lagEntries;
      pending += lag.pendingEntries;
      seconds = Math.max(seconds, lag.lagSeconds);
    }
    const status = seconds >= DEGRADED_LAG_SECONDS || !process.viewFollows ? 'degraded' : 'healthy';
    const lag = { lag_entries: entries, lag_seconds: seconds, pending };
    return { status, redis: 'connected', ...lag, generation, ...constant };
  } catch {
    const lag = { lag_entries: null, lag_seconds: null, pending: null };
    return { status: 'unhealthy', redis: 'unreachable', ...lag, generation, ...constant };
  }
}
