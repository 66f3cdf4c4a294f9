import { readMonitor } from '@streamfold/coordination';
import { worstStatus, type HealthReason, type HealthStatus } from '@streamfold/core';
import { isReady, type RedisConnection, toError } from '@streamfold/redis';
import type { Generation } from '../state/generation.ts';
import { countDeadLetters } from '../state/count-dead-letters.ts';
import { TOO_MANY_DELIVERIES } from '../state/claim-entries.ts';
import { measureLag, type Lag } from '../state/measure-lag.ts';
import { boundReasons, stateReason, type StatedReason } from './health-reason.ts';

/** Body of `GET /prometheus/health`; what cannot be known without Redis is null. */
export interface Health {
  readonly status: HealthStatus;
  readonly redis: 'connected' | 'unreachable';
  readonly lag_entries: number | null;
  readonly lag_seconds: number | null;
  readonly pending: number | null;
  /** The live generation. */
  readonly generation: string | null;
  /** It is folded by other definitions than this process is configured with. */
  readonly rebuild_needed: boolean;
  /** Everything that is wrong; empty if nothing is. */
  readonly reasons: readonly StatedReason[];
  readonly uptime_seconds: number;
  readonly version: string;
}

/** The last ID is this far ahead of the clock: `ids_ahead`. Clocks of replicas that take over differ by less. */
const IDS_AHEAD_SECONDS = 60;
/** Folding is this far behind publishing: `lagging`. */
const LAGGING_SECONDS = 60;
/** Monitors step twice a second. If none has checked deadlines for this long, beyond a grace period: `monitor_stalled`. */
const STALLED_SECONDS = 60;

/** The state of an aggregator that is known without asking Redis. */
export interface KnownHealth {
  /** The live generation on all shards; none if it is not open yet, or unreadable. */
  readonly shards: readonly Generation[];
  readonly liveId: string | undefined;
  readonly rebuildNeeded: boolean;
  /** Why this program can neither fold nor serve it. */
  readonly unreadable: string | undefined;
  /** True if the process does not serve. */
  readonly viewFollows: boolean;
  /** Conditions that parts of the process have reported. */
  readonly conditions: readonly StatedReason[];
  readonly lastConnectionError: string | undefined;
  readonly uptimeSeconds: number;
  /** How long monitors judge nothing after an outage. */
  readonly monitorGraceSeconds: number;
  readonly version: string;
}

/** The measurements of one shard. */
export interface ShardMeasurement {
  readonly shard: number;
  readonly lag: Lag;
  /** Dead letters kept in its dead-letter stream. */
  readonly deadLetters: number;
  /** The time since which no monitor has looked for overdue coordinators; if none ever has, the start of this process. */
  readonly monitorAgeSeconds: number;
  /** Malformed records that monitors have set aside. */
  readonly setAside: number;
}

/** Measures all shards at once; `measured` gets each. Never rejects: a failure is a reason. */
export async function readHealth(
  redis: RedisConnection,
  known: KnownHealth,
  measured: (measurement: ShardMeasurement) => void,
): Promise<Health> {
  const { liveId, rebuildNeeded, uptimeSeconds, version } = known;
  const { reasons: measurement, ...lag } = await measureShards(redis, known, measured);
  const reported = known.conditions.filter(({ reason }) => !isExplained(reason, known));
  const reasons = boundReasons(withoutRepeats([...measurement, ...statesOf(known), ...reported]));
  return {
    status: worstStatus(reasons.map(({ reason }) => reason)),
    redis: reasons.some(({ reason }) => reason === 'redis_unreachable') ? 'unreachable' : 'connected',
    ...lag,
    generation: liveId ?? null,
    rebuild_needed: rebuildNeeded,
    reasons,
    uptime_seconds: uptimeSeconds,
    version,
  };
}

type Measurement = Pick<Health, 'lag_entries' | 'lag_seconds' | 'pending' | 'reasons'>;

const UNKNOWN_LAG = { lag_entries: null, lag_seconds: null, pending: null } as const;

async function measureShards(
  redis: RedisConnection,
  { shards, lastConnectionError, uptimeSeconds, monitorGraceSeconds }: KnownHealth,
  measured: (measurement: ShardMeasurement) => void,
): Promise<Measurement> {
  if (!isReady(redis)) {
    return { ...UNKNOWN_LAG, reasons: [stateReason('redis_unreachable', lastConnectionError)] };
  }
  if (shards.length === 0) {
    const failure = await redis.ping().then(() => undefined, explainFailure);
    return { ...UNKNOWN_LAG, reasons: failure === undefined ? [] : [failure] };
  }
  const reasons: StatedReason[] = [];
  let [entries, seconds, pending] = [0, 0, 0];
  let unknown = false;
  await Promise.all(
    shards.map(async (generation) => {
      const { shard } = generation;
      try {
        const [lag, deadLetters, { unjudgedForMs, setAside }] = await Promise.all([
          measureLag(redis, generation),
          countDeadLetters(redis, generation),
          readMonitor(redis, generation),
        ]);
        const monitorAgeSeconds = unjudgedForMs === undefined ? uptimeSeconds : unjudgedForMs / 1_000;
        measured({ shard, lag, deadLetters, monitorAgeSeconds, setAside });
        const stalled = monitorAgeSeconds >= STALLED_SECONDS + monitorGraceSeconds;
        reasons.push(...describeMonitors({ shard, monitorAgeSeconds, stalled, setAside }));
        if (deadLetters > 0) reasons.push(stateReason('dead_letters_kept', String(deadLetters), shard));
        entries += lag.lagEntries;
        pending += lag.pendingEntries;
        seconds = Math.max(seconds, lag.lagSeconds);
        reasons.push(...explainLag(lag, shard));
        if (lag.lagSeconds >= LAGGING_SECONDS)
          reasons.push(
            stateReason('lagging', `the oldest entry has waited ${Math.round(lag.lagSeconds)} s`, shard),
          );
      } catch (cause) {
        unknown = true;
        reasons.push(explainFailure(cause, shard));
      }
    }),
  );
  const lag = { lag_entries: entries, lag_seconds: seconds, pending };
  return { ...(unknown ? UNKNOWN_LAG : lag), reasons };
}

/** The reasons that a measurement shows in addition to the lag. */
function explainLag({ idsAheadSeconds, deliveries, oldestUnfolded }: Lag, shard: number): StatedReason[] {
  const reasons: StatedReason[] = [];
  if (idsAheadSeconds >= IDS_AHEAD_SECONDS)
    reasons.push(
      stateReason(
        'ids_ahead',
        `the last ID is ${Math.round(idsAheadSeconds)} s ahead of the clock of Redis`,
        shard,
      ),
    );
  if (deliveries >= TOO_MANY_DELIVERIES)
    reasons.push(
      stateReason('entries_held', `${oldestUnfolded ?? ''} was delivered ${deliveries} times`, shard),
    );
  return reasons;
}

function describeMonitors({
  shard,
  monitorAgeSeconds,
  stalled,
  setAside,
}: Pick<ShardMeasurement, 'shard' | 'monitorAgeSeconds' | 'setAside'> & {
  readonly stalled: boolean;
}): StatedReason[] {
  const reasons: StatedReason[] = [];
  if (stalled) {
    const detail = `no monitor has judged what is overdue for ${Math.round(monitorAgeSeconds)} s`;
    reasons.push(stateReason('monitor_stalled', detail, shard));
  }
  if (setAside > 0) reasons.push(stateReason('records_set_aside', String(setAside), shard));
  return reasons;
}

/** The reasons that the process knows by itself. */
function statesOf({ shards, unreadable, rebuildNeeded, viewFollows }: KnownHealth): StatedReason[] {
  const states: StatedReason[] = [];
  if (unreadable !== undefined) states.push(stateReason('generation_unreadable', unreadable));
  else if (shards.length === 0) states.push(stateReason('shards_not_open'));
  if (rebuildNeeded) states.push(stateReason('rebuild_needed'));
  if (!viewFollows) states.push(stateReason('view_stalled'));
  return states;
}

/** Shards that cannot be opened because this program does not understand their definitions: one reason, not two. */
function isExplained(reason: HealthReason, { unreadable }: KnownHealth): boolean {
  return reason === 'shards_not_open' && unreadable !== undefined;
}

/** An error reply of Redis is a reason of its own; any other error means that Redis was not reached. */
function explainFailure(cause: unknown, shard?: number): StatedReason {
  const error = toError(cause);
  return stateReason(reasonOf(error), error.message, shard);
}

function reasonOf({ name, message }: Error): HealthReason {
  if (/^(NOGROUP|ERR no such key)\b/.test(message)) return 'group_missing';
  return name === 'ReplyError' ? 'redis_refuses' : 'redis_unreachable';
}

/** One entry for each reason and shard: the more detailed one. */
function withoutRepeats(reasons: readonly StatedReason[]): StatedReason[] {
  const kept = new Map<string, StatedReason>();
  for (const each of reasons) {
    const key = `${each.reason} ${each.shard ?? ''}`;
    if (kept.get(key)?.detail === undefined) kept.set(key, each);
  }
  return [...kept.values()].toSorted((left, right) => (left.shard ?? -1) - (right.shard ?? -1));
}
