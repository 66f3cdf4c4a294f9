import { IDS } from './coordination-steps.ts';
import { payloadOf } from './life-steps.ts';
import { expectSame, expectSameItems } from './subject.ts';
import { BASE, readSwarmEvents, SWARM, toRecord, type SwarmRun } from './swarm-run.ts';

/**
 * Events, state and replies agree: a coordinator matches its events, each signal was sent and acknowledged once for each
 * receiver, and each signal and piece of work that is not done belongs to exactly one coordinator.
 */
export async function checkSwarm(run: SwarmRun): Promise<void> {
  const { model } = run;
  const [stated, coordinators] = await Promise.all([readSwarmEvents(run), readCoordinators(run)]);
  expectSame('contradictions of events', stated.contradictions, []);
  for (const { id, record, waits } of coordinators) {
    const { life, state = 'none', phase } = record;
    const of = stated.alive.get(id);
    const alive = ['started', 'beating', 'stale'].includes(state);
    expectSame(`what ${id} is`, alive ? life : undefined, model.lives.get(id));
    expectSame(
      `what the events say of ${id}`,
      of === undefined
        ? undefined
        : { phase: of.phase, stale: of.stale, waits: [...of.waits].toSorted(compare) },
      alive ? { phase, stale: state === 'stale', waits: waits.toSorted(compare) } : undefined,
    );
  }
  const sent = [...model.sent].flatMap(([signal, { receivers }]) =>
    receivers.map((each) => `${signal} ${each}`),
  );
  expectSameItems(
    'signals that events report as sent',
    stated.sent,
    sent.map((name) => [name, 1]),
  );
  expectSameItems(
    'ACKs that events report',
    stated.acked,
    [...model.acked].map((name) => [name, 1]),
  );
  expectSameItems(
    'signals in inboxes',
    coordinators.flatMap(({ inbox }) => inbox),
    model.unsettled,
  );
  expectSameItems(
    'pieces of work',
    coordinators.flatMap(({ work }) => work),
    model.work,
  );
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Everything that Redis holds about each coordinator. */
export async function readCoordinators(run: SwarmRun): Promise<Recorded[]> {
  return Promise.all(IDS.map((id) => readCoordinator(run, id)));
}

interface Recorded {
  readonly id: string;
  readonly record: Readonly<Record<string, string>>;
  readonly waits: readonly string[];
  /** Unsettled signals, in the form of the model. */
  readonly inbox: readonly string[];
  /** Payloads of its work. */
  readonly work: readonly string[];
}

async function readCoordinator({ laboratory: { admin } }: SwarmRun, id: string): Promise<Recorded> {
  const name = `${SWARM}|${id}`;
  const [record, waits, inbox, work] = await Promise.all([
    admin.hgetall(`${BASE}coordinator:${name}`),
    admin.smembers(`${BASE}waits:${name}`),
    admin.xrange(`${BASE}inbox:${name}`, '-', '+'),
    admin.hvals(`${BASE}work:${name}`),
  ]);
  return {
    id,
    record,
    waits,
    inbox: inbox.map(([, fields]) => {
      const { signal_id: signal, receiver_id: receiver } = toRecord(fields);
      return `${signal} ${receiver}`;
    }),
    work: work.map(payloadOf),
  };
}
