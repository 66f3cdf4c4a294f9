import type { RedisConnection } from '@streamfold/redis';
import type { Generation } from '../state/generation.ts';
import { measureLag } from '../state/measure-lag.ts';

/** Body of `GET /prometheus/health`; what cannot be known without Redis is null. */
export interface Health {
  readonly status: 'healthy' | 'degraded' | 'unhealthy';
  readonly redis: 'connected' | 'unreachable';
  readonly lag_entries: number | null;
  readonly lag_seconds: number | null;
  readonly pending: number | null;
  /** The live generation. */
  readonly generation: string | null;
  /** It is folded by other definitions than this process is configured with. */
  readonly rebuild_needed: boolean;
  readonly uptime_seconds: number;
  readonly version: string;
}

const UNKNOWN_LAG = { lag_entries: null, lag_seconds: null, pending: null } as const;

/** Folding is this far behind: `degraded`. */
const DEGRADED_LAG_SECONDS = 60;

/** What is known of the generations without asking Redis. */
export interface GenerationHealth {
  /** The live generation on all shards; none where it is not open yet, or unreadable. */
  readonly shards: readonly Generation[];
  readonly liveId: string | undefined;
  readonly rebuildNeeded: boolean;
  /** Why this program can neither fold nor serve it. */
  readonly unreadable: string | undefined;
}

/**
 * Measures all shards now. `unhealthy` where Redis cannot be reached or the shards are not open yet, `degraded` where
 * folding lags by a minute or more, the view cannot follow, a rebuild is needed, or a newer program's definitions are live.
 */
export async function readHealth(
  redis: RedisConnection,
  { shards, liveId, rebuildNeeded, unreadable }: GenerationHealth,
  process: { uptimeSeconds: number; version: string; viewFollows: boolean },
): Promise<Health> {
  const generation = liveId ?? null;
  const constant = {
    generation,
    rebuild_needed: rebuildNeeded,
    uptime_seconds: process.uptimeSeconds,
    version: process.version,
  };
  try {
    if (unreadable !== undefined) {
      await redis.ping();
      return { status: 'degraded', redis: 'connected', ...UNKNOWN_LAG, ...constant };
    }
    if (shards.length === 0) throw new Error('the shards are not open yet');
    let entries = 0;
    let seconds = 0;
    let pending = 0;
    for (const each of shards) {
      const lag = await measureLag(redis, each);
      entries += lag.lagEntries;
      pending += lag.pendingEntries;
      seconds = Math.max(seconds, lag.lagSeconds);
    }
    const isDegraded = seconds >= DEGRADED_LAG_SECONDS || !process.viewFollows || rebuildNeeded;
    const lag = { lag_entries: entries, lag_seconds: seconds, pending };
    return { status: isDegraded ? 'degraded' : 'healthy', redis: 'connected', ...lag, ...constant };
  } catch {
    return { status: 'unhealthy', redis: 'unreachable', ...UNKNOWN_LAG, ...constant };
  }
}
