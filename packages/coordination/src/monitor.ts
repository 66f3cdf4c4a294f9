import { shardKeys, type RedisConnection } from '@streamfold/redis';
import { callFunction } from './function-library.ts';

/** What one step of a monitor found. */
export interface MonitorStep {
  readonly stale: number;
  readonly dead: number;
  /** Waits that were past their deadline: their processes are gone. */
  readonly waits: number;
  /** Signals whose ACKs are overdue and that nobody waits for. */
  readonly signals: number;
  /** More is overdue than one step moves. */
  readonly more: boolean;
  /** Deadlines are suspended for so long, ms: there was an outage of the monitors or of Redis. */
  readonly graceLeftMs: number;
}

export interface MonitorSettings {
  /** Most subjects of each kind that one step moves, fewer where these tell many events: it then holds Redis for some ms. */
  readonly limit: number;
  /** Steps that are further apart than this were an outage, ms. */
  readonly outageMs: number;
  /** How long nothing is overdue after an outage, ms: long enough for all that live to beat again. */
  readonly graceMs: number;
}

/** One step of the monitor of one shard; any number of monitors may step, at any time. */
export async function stepMonitor(
  redis: RedisConnection,
  { prefix, shard }: { readonly prefix: string; readonly shard: number },
  { limit, outageMs, graceMs }: MonitorSettings,
): Promise<MonitorStep> {
  const { events } = shardKeys(prefix, shard);
  const reply = await callFunction(redis, 'step-monitor', [events, limit, outageMs, graceMs]);
  const [stale, dead, waits, signals, more, graceLeftMs] = reply as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return { stale, dead, waits, signals, more: more === 1, graceLeftMs };
}
