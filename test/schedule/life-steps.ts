import type { Fields } from './coordination-steps.ts';
import { expectSame, ScheduleError } from './subject.ts';
import { BASE, call, SWARM, type SwarmRun } from './swarm-run.ts';

/** A coordinator is declared dead after twice the time after which it is stale. */
const DEAD_FACTOR = 2;

/**
 * Begins a life, unless the token has already begun one: then it is the same life, or it has ended. No two processes have the
 * same life, whatever Redis has forgotten in between; those of the earlier version have no token and may share one.
 */
export async function join(run: SwarmRun, step: Fields<'join'>): Promise<void> {
  const { model, processes } = run;
  const before = typeof step.token === 'number' ? processes[step.token] : undefined;
  const id = before?.id ?? step.id;
  const token = step.token === 'none' ? '' : (before?.token ?? String(1e15 + ++run.tokens));
  const { staleAfterMs } = step;
  const args = [SWARM, id, '', staleAfterMs, staleAfterMs * DEAD_FACTOR];
  const reply = (await call(run, 'start-coordinator', token === '' ? args : [...args, token])) as
    [string, string] | undefined;
  if (reply === undefined) return;
  const name = `${id} ${token}`;
  const begun = token === '' ? undefined : model.tokens.get(name);
  const [outcome, life] = reply;
  if (begun !== undefined) {
    expectSame('outcome of joining again', outcome, model.lives.get(id) === begun ? 'started' : 'ended');
    if (outcome === 'started') expectSame('life after joining again', life, begun);
    return;
  }
  expectSame('outcome of joining', outcome, 'started');
  const other = processes.find((each) => each.id === id && each.life === life && each.token !== token);
  if (token !== '' && other !== undefined)
    throw new ScheduleError(`lives of ${id}: expected each once; got ${life} twice`);
  model.lives.set(id, life);
  if (token !== '') model.tokens.set(name, life);
  processes.unshift({ id, life, token });
}

/** True if the life of a process is not the current one: every call by it is refused. */
function hasEnded(
  { model }: SwarmRun,
  { id, life }: { readonly id: string; readonly life: string },
): boolean {
  return model.lives.get(id) !== life;
}

interface Called {
  readonly id: string;
  readonly life: string;
  /** `undefined` if the call was not permitted. */
  readonly reply: string | undefined;
}

/**
 * Calls a function for a process, as [swarm, id, life, …rest]. The reply is `ended` if and only if the life of that process is
 * not the current one. `undefined` if there is no such process yet.
 */
async function callAs(
  run: SwarmRun,
  process: number,
  [name, ...rest]: readonly [Parameters<typeof call>[1], ...(string | number)[]],
): Promise<Called | undefined> {
  const caller = run.processes[process];
  if (caller === undefined) return undefined;
  const { id, life } = caller;
  const answered = await call(run, name, [SWARM, id, life, ...rest]);
  if (answered === undefined) return { id, life, reply: undefined };
  const reply = String(Array.isArray(answered) ? answered[0] : answered);
  if (name !== 'list-work') expectSame(`${name} is answered ended`, reply === 'ended', hasEnded(run, caller));
  return { id, life, reply };
}

export async function beat(run: SwarmRun, { process, phase }: Fields<'beat'>): Promise<void> {
  await callAs(run, process, ['beat', phase]);
}

export async function changePhase(run: SwarmRun, { process, phase }: Fields<'changePhase'>): Promise<void> {
  if (phase !== '') await callAs(run, process, ['change-phase', phase]);
}

export async function stop(run: SwarmRun, { process }: Fields<'stop'>): Promise<void> {
  const called = await callAs(run, process, ['stop-coordinator', 'completed']);
  if (called?.reply === 'stopped') run.model.lives.delete(called.id);
}

export async function listWork(run: SwarmRun, { process }: Fields<'listWork'>): Promise<void> {
  await callAs(run, process, ['list-work']);
}

/** Each piece of work has a unique payload that identifies it wherever it goes. */
export async function openWork(run: SwarmRun, { process, work }: Fields<'openWork'>): Promise<void> {
  const payload = `work ${++run.works}`;
  const called = await callAs(run, process, ['open-work', work, payload]);
  if (called?.reply === 'opened') run.model.work.add(payload);
}

export async function finishWork(run: SwarmRun, { process, work }: Fields<'finishWork'>): Promise<void> {
  const caller = run.processes[process];
  if (caller === undefined) return;
  const record = await run.laboratory.admin.hget(`${BASE}work:${SWARM}|${caller.id}`, work);
  const called = await callAs(run, process, ['finish-work', work]);
  if (called?.reply === 'finished') run.model.work.delete(payloadOf(record ?? '{}'));
}

export function payloadOf(record: string): string {
  return (JSON.parse(record) as { readonly payload?: string }).payload ?? '';
}

/** The work of an ended coordinator then has another owner: `checkSwarm` finds each item once. */
export async function takeOver(run: SwarmRun, step: Fields<'takeOver'>): Promise<void> {
  const { process, ended, successor, most } = step;
  const isAlive = run.model.lives.has(ended);
  const called = await callAs(run, process, ['take-over', ended, successor, most]);
  if (called?.reply === 'moved' && isAlive)
    throw new ScheduleError(`work of ${ended}: expected it to stay, as ${ended} is alive; it was taken over`);
}
