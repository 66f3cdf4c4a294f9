import { coordinationKeys, readServerTimeMs, type RedisConnection, type Shard } from '@streamfold/redis';

/** The record of the monitors of one shard in Redis. */
export interface MonitorState {
  /**
   * The time since which no monitor has looked for overdue subjects, ms by the clock of Redis; `undefined` if none ever has.
   * After an outage it is the time at which the outage was noticed, so that a grace period by itself is short.
   */
  readonly unjudgedForMs: number | undefined;
  /** Number of notes about malformed records that monitors have set aside. */
  readonly setAside: number;
}

/**
 * HMGET monitor judged_ms unjudged_since_ms stepped_ms, HLEN set-aside, TIME
 */
export async function readMonitor(redis: RedisConnection, shard: Shard): Promise<MonitorState> {
  const keys = coordinationKeys(shard);
  const [[judged, since, stepped], setAside, nowMs] = await Promise.all([
    redis.hmget(keys.monitor, 'judged_ms', 'unjudged_since_ms', 'stepped_ms'),
    redis.hlen(keys.setAside),
    readServerTimeMs(redis),
  ]);
  // Functions of an earlier edition write only when they stepped.
  const known = judged === null ? stepped : judged;
  const latest = Math.max(Number(known ?? 0), Number(since ?? 0));
  return { unjudgedForMs: latest > 0 ? Math.max(0, nowMs - latest) : undefined, setAside };
}
