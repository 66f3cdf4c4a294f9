import { type RedisConnection, type Shard, shardKeys } from '@streamfold/redis';
import { callFunction } from './call-function.ts';

/** The result of one step of a monitor. */
export interface MonitorStep {
  readonly stale: number;
  readonly dead: number;
  /** Waits past their deadline: their processes are gone. */
  readonly waits: number;
  /** Signals with overdue ACKs that nobody waits for. */
  readonly signals: number;
  /** True if more is overdue than one step moves. */
  readonly more: boolean;
  /** Deadlines are suspended for this time, ms: there was an outage of the monitors or of Redis. */
  readonly graceLeftMs: number;
  /** This step noticed the outage. */
  readonly suspended: boolean;
  /** How far the clock of Redis had stepped back when the current grace period began, ms; otherwise 0. */
  readonly clockBackMs: number;
  /** Malformed subjects set aside by this step. */
  readonly setAside: number;
  /** Notes of malformed subjects; they are kept until an operator removes them. */
  readonly setAsideKept: number;
}

export interface MonitorSettings {
  /** Most subjects of each kind that one step moves, fewer if they cause many events: it then occupies Redis for a few ms. */
  readonly limit: number;
  /** A longer pause between steps is an outage, ms. */
  readonly outageMs: number;
  /** How long nothing is overdue after an outage, ms: long enough for all live coordinators to beat again. */
  readonly graceMs: number;
}

/** One step of the monitor of one shard; any number of monitors may step, at any time. */
export async function stepMonitor(
  redis: RedisConnection,
  shard: Shard,
  { limit, outageMs, graceMs }: MonitorSettings,
): Promise<MonitorStep> {
  const { events } = shardKeys(shard);
  const reply = (await callFunction(redis, 'step-monitor', [events, limit, outageMs, graceMs])) as number[];
  const [stale = 0, dead = 0, waits = 0, signals = 0, more = 0, graceLeftMs = 0] = reply;
  // An earlier edition of the functions, if this user may not load this one, replies with only those six.
  const [setAside = 0, setAsideKept = 0, began = graceLeftMs === graceMs ? 1 : 0, clockBackMs = 0] =
    reply.slice(6);
  const suspended = began === 1;
  const moved = { stale, dead, waits, signals, more: more === 1 };
  return { ...moved, graceLeftMs, suspended, clockBackMs, setAside, setAsideKept };
}
