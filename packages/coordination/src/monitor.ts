import { type RedisConnection, type Shard, shardKeys } from '@streamfold/redis';
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
  /** This step noticed the outage. */
  readonly suspended: boolean;
  /** The clock of Redis had stepped back by so much, ms, when the grace period began that is under way; else 0. */
  readonly clockBackMs: number;
  /** Malformed subjects that this step has set aside. */
  readonly setAside: number;
  /** Notes of malformed subjects that are kept, until an operator removes them. */
  readonly setAsideKept: number;
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
  shard: Shard,
  { limit, outageMs, graceMs }: MonitorSettings,
): Promise<MonitorStep> {
  const { events } = shardKeys(shard);
  const reply = (await callFunction(redis, 'step-monitor', [events, limit, outageMs, graceMs])) as number[];
  const [stale = 0, dead = 0, waits = 0, signals = 0, more = 0, graceLeftMs = 0] = reply;
  // An earlier edition of the functions, where this user may not load this one, replies with those six only.
  const [setAside = 0, setAsideKept = 0, began = graceLeftMs === graceMs ? 1 : 0, clockBackMs = 0] =
    reply.slice(6);
  const suspended = began === 1;
  const moved = { stale, dead, waits, signals, more: more === 1 };
  return { ...moved, graceLeftMs, suspended, clockBackMs, setAside, setAsideKept };
}
