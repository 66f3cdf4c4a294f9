import type { Fields } from './coordination-steps.ts';
import { expectSame } from './subject.ts';
import { BASE, call, SWARM, toRecord, type SwarmRun } from './swarm-run.ts';

/** Longer than any schedule, including its steps of the clock. */
const REMEMBERED_MS = 31 * 86_400_000;
const ITERATION = 0;
/** How long after its time-out a monitor ends a wait. */
const SLACK_MS = 100;

/** The same signal is sent once, by one sender, whatever is requested later. */
export async function sendSignal(run: SwarmRun, step: Fields<'send'>): Promise<void> {
  const sender = run.processes[step.process];
  if (sender === undefined) return;
  const { signal } = step;
  const receivers = step.to.split('');
  const args = [SWARM, sender.id, sender.life, signal, ITERATION, 'kind', '', step.dueMs, REMEMBERED_MS, ''];
  const addressed = receivers.flatMap((receiver) => [receiver, '']);
  const reply = (await call(run, 'send-signal', [...args, ...addressed])) as string[] | undefined;
  if (reply === undefined) return;
  const { model } = run;
  const before = model.sent.get(signal);
  const ended = model.lives.get(sender.id) !== sender.life;
  const again = before?.sender === sender.id ? 'repeated' : 'not_sender';
  expectSame('outcome of sending', reply[0], before !== undefined ? again : ended ? 'ended' : 'sent');
  if (reply[0] !== 'sent') return;
  model.sent.set(signal, { sender: sender.id, receivers });
  for (const receiver of receivers) model.unsettled.add(`${signal} ${receiver}`);
}

interface InboxEntry {
  readonly id: string;
  readonly life: string;
  readonly entry: string;
  readonly signal: string;
  readonly receiver: string;
}

/** An entry in the inbox that a process reads. */
async function readInbox(run: SwarmRun, process: number, at: number): Promise<InboxEntry | undefined> {
  const reader = run.processes[process];
  if (reader === undefined) return undefined;
  const entries = await run.laboratory.admin.xrange(`${BASE}inbox:${SWARM}|${reader.id}`, '-', '+');
  const found = entries[at];
  if (found === undefined) return undefined;
  const { signal_id: signal = '', receiver_id: receiver = '' } = toRecord(found[1]);
  return { id: reader.id, life: reader.life, entry: found[0], signal, receiver };
}

export async function acknowledge(run: SwarmRun, { process, at }: Fields<'acknowledge'>): Promise<void> {
  const read = await readInbox(run, process, at);
  if (read !== undefined) await record(run, read);
}

export async function acknowledgeAgain(run: SwarmRun, step: Fields<'acknowledgeAgain'>): Promise<void> {
  const receiver = run.processes[step.process];
  if (receiver === undefined) return;
  const { id, life } = receiver;
  await record(run, { id, life, entry: '', signal: step.signal, receiver: id });
}

/** An ACK is recorded once for each signal and receiver, and settles the entry that brought the signal. */
async function record(run: SwarmRun, { id, life, entry, signal, receiver }: InboxEntry): Promise<void> {
  const args = [SWARM, receiver, signal, ITERATION, '', '', id, entry, life];
  const reply = (await call(run, 'acknowledge-signal', args)) as string[] | undefined;
  if (reply === undefined) return;
  const { model } = run;
  const name = `${signal} ${receiver}`;
  const sent = model.sent.get(signal);
  const expected =
    model.lives.get(id) !== life
      ? 'ended'
      : sent === undefined
        ? 'unknown'
        : !sent.receivers.includes(receiver)
          ? 'not_receiver'
          : model.acked.has(name)
            ? 'repeated'
            : 'recorded';
  expectSame('outcome of an ACK', reply[0], expected);
  if (expected === 'ended' || expected === 'not_receiver') return;
  if (expected === 'recorded') model.acked.add(name);
  if (entry !== '') model.unsettled.delete(name);
}

export async function settleSignal(run: SwarmRun, step: Fields<'settleSignal'>): Promise<void> {
  const read = await readInbox(run, step.process, step.at);
  if (read === undefined) return;
  const { id, life, entry, signal, receiver } = read;
  const reply = await call(run, 'settle-signal', [SWARM, id, entry, step.reason, life]);
  if (reply === undefined) return;
  expectSame('outcome of settling', reply, run.model.lives.get(id) === life ? 'settled' : 'ended');
  if (reply === 'settled') run.model.unsettled.delete(`${signal} ${receiver}`);
}

/** Opens a wait, or finds one of that id: `checkSwarm` compares waits with what their events say. */
export async function startWait(run: SwarmRun, step: Fields<'startWait'>): Promise<void> {
  const sender = run.model.sent.get(step.signal)?.sender ?? '';
  const waiter =
    step.process === 'sender'
      ? run.processes.find(({ id, life }) => id === sender && life === run.model.lives.get(sender))
      : run.processes[step.process];
  if (waiter === undefined) return;
  const { id, life } = waiter;
  const args = [SWARM, id, life, step.wait, step.signal, ITERATION, step.timeoutMs, SLACK_MS];
  const reply = await call(run, 'start-wait', args);
  if (reply === undefined) return;
  const { model } = run;
  const sent = model.sent.get(step.signal);
  const refusal =
    model.lives.get(id) !== life
      ? 'ended'
      : sent === undefined
        ? 'unknown'
        : sent.sender !== id
          ? 'not_sender'
          : undefined;
  if (refusal !== undefined) expectSame('outcome of a wait', reply, refusal);
  else expectSame('a wait is open, or was lately', reply === 'open' || reply === 'exists', true);
}

/** A complete wait is finished as such, whatever is requested. */
export async function finishWait(run: SwarmRun, { wait, how }: Fields<'finishWait'>): Promise<void> {
  const reply = (await call(run, 'finish-wait', [SWARM, wait, how, 'any'])) as string[] | undefined;
  if (reply === undefined) return;
  const [outcome, status = '', , , missing] = reply;
  if (outcome === 'open') expectSame('how an open wait was to be finished', how, 'if_complete');
  if (outcome === 'finished')
    expectSame('a finished wait is completed', status === 'completed', missing === '');
}
