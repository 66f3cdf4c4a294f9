import { callFunction, type FunctionName } from '@streamfold/coordination';
import { shardKeys } from '@streamfold/redis';
import {
  copySwarm,
  emptySwarm,
  readEvents,
  type SwarmEvent,
  type SwarmModel,
  type ToldSwarm,
} from './coordination-model.ts';
import type { KeptKeys, Laboratory } from './laboratory.ts';
import { ScheduleError } from './subject.ts';

export const SWARM = 's';
export const PREFIX = 'p';
export const { events: EVENTS } = shardKeys({ prefix: PREFIX, shard: 0 });
export const BASE = EVENTS.slice(0, -'events'.length);

/** A process that has joined. */
interface Joined {
  readonly id: string;
  readonly life: string;
  readonly token: string;
}

/** One swarm in the middle of a schedule: Redis, the memory of processes, and the model. */
export interface SwarmRun {
  readonly laboratory: Laboratory;
  model: SwarmModel;
  /** The latest process to join comes first. */
  readonly processes: Joined[];
  readonly kept: Map<number, { readonly keys: KeptKeys; readonly model: SwarmModel }>;
  tokens: number;
  works: number;
  /** Not both together yet: a signal that finds no entry ID left is undone without a prior check of the permissions. */
  strain: 'none' | 'denied' | 'exhausted';
}

export function beginSwarm(laboratory: Laboratory): SwarmRun {
  return {
    laboratory,
    model: emptySwarm(),
    processes: [],
    kept: new Map(),
    tokens: 0,
    works: 0,
    strain: 'none',
  };
}

/**
 * Calls a function of the library. `undefined` if it was refused; then nothing has changed.
 *
 * @throws {ScheduleError} if it was refused and something has changed.
 */
export async function call(
  { laboratory: { product, admin } }: SwarmRun,
  name: FunctionName,
  args: readonly (string | number)[],
): Promise<unknown> {
  return refuse(admin, name, () => callFunction(product, name, [EVENTS, ...args]));
}

/** Like `call`, for any wrapper. */
export async function refuse<T>(
  admin: Laboratory['admin'],
  what: string,
  attempt: () => Promise<T>,
): Promise<T | undefined> {
  const before = await digest(admin);
  try {
    return await attempt();
  } catch (error) {
    if (!(error instanceof Error) || !REFUSALS.test(error.message)) throw error;
    const after = await digest(admin);
    // The entries that a signal has written to inboxes are removed again, and with them an inbox that was empty before. A monitor
    // checks heartbeats in one step and deadlines in the next.
    const inPart =
      what === 'step of a monitor' || (what === 'send-signal' && error.message.includes('exhausted'));
    if (before === after || inPart) return undefined;
    throw new ScheduleError(`a refused ${what}: expected to change nothing; it did: ${error.message}`, {
      cause: error,
    });
  }
}

/** DEBUG DIGEST without expired keys: a call that only looks at one of those removes it. */
async function digest(admin: Laboratory['admin']): Promise<unknown> {
  for (let cursor = '0'; ;) {
    [cursor] = await admin.scan(cursor, 'COUNT', 1_000);
    if (cursor === '0') return admin.call('debug', ['digest']);
  }
}

/** A command is not permitted, or the event stream accepts no more entries. */
const REFUSALS = /NOPERM|can't run this command|exhausted|equal or smaller|no entry IDs left/;

/** All events of the stream, in order. */
export async function readSwarmEvents({ laboratory }: SwarmRun): Promise<ToldSwarm> {
  const entries = await laboratory.admin.xrange(EVENTS, '-', '+');
  return readEvents(entries.flatMap(([, fields]) => toEvents(fields)));
}

function toEvents(fields: readonly string[]): SwarmEvent[] {
  const [name, value = ''] = fields;
  if (name === 'events') return JSON.parse(value) as SwarmEvent[];
  return [toRecord(fields)];
}

/** A flat list of name, value, name, value …, as a record. */
export function toRecord(flat: readonly string[]): Readonly<Record<string, string>> {
  const record: Record<string, string> = {};
  for (let at = 0; at < flat.length; at += 2) record[flat[at] ?? ''] = flat[at + 1] ?? '';
  return record;
}

export async function keepSwarm(run: SwarmRun, slot: number): Promise<void> {
  run.kept.set(slot, { keys: await run.laboratory.keep(), model: copySwarm(run.model) });
}

export async function goBackSwarm(run: SwarmRun, slot: number): Promise<void> {
  const kept = run.kept.get(slot);
  if (kept === undefined) return;
  await run.laboratory.goBack(kept.keys);
  run.model = copySwarm(kept.model);
}
