import { joinSwarm, type Coordinator } from '@streamfold/coordination';
import { createPublisher } from '@streamfold/publisher';
import { runStreamfold, type ProgramRun } from '../harness/run-streamfold.ts';
import { takeSignals } from '../harness/start-swarm.ts';

const WATCHED = { staleAfterMs: 60_000, deadAfterMs: 120_000 };
const SIGNED = { keys: [{ id: 'k1', secret: 'a-secret-of-enough-characters' }] };
const SENT = {
  type: 'signal.sent',
  swarm_id: 's',
  sender_id: 'a',
  receiver_id: 'b',
  signal_type: 't',
} as const;

/** Publishes one event and many, with and without ids, by the library and by the command line. */
export async function publishAll(redisUrl: string): Promise<ProgramRun> {
  const publisher = createPublisher({ redisUrl });
  await publisher.append([SENT, { ...SENT, id: 'x1' }, { ...SENT, id: 'x2' }]);
  await publisher.append([{ ...SENT, id: 'x1' }]);
  await publisher.close();
  const patient = createPublisher({ redisUrl, durability: { replicas: 1, timeoutMs: 100 } });
  await patient.append([SENT]).catch(() => undefined); // there is no replica
  await patient.close();
  return runStreamfold([
    'publish', 'signal.sent', 'swarm_id=s', 'sender_id=a', 'receiver_id=b', 'signal_type=t', '--redis', redisUrl,
  ]); // prettier-ignore
}

/** Makes every call of a coordinator. All leave, except one that is gone while it waits: `whenWaiting` resolves when it does. */
export async function coordinateAll(redisUrl: string, whenWaiting: () => Promise<void>): Promise<void> {
  const coordinators: Coordinator[] = [];
  const join = async (coordinatorId: string, more = {}): Promise<Coordinator> => {
    const coordinator = await joinSwarm({ redisUrl, swarmId: 'w', coordinatorId, ...WATCHED, ...more });
    coordinators.push(coordinator);
    return coordinator;
  };
  try {
    const [ada, ben] = [await join('ada', SIGNED), await join('ben', SIGNED)];
    await signalAndWait(ada, ben);
    const cyd = await join('cyd');
    await leaveWork(cyd, ben);
    const eve = await join('eve', { staleAfterMs: 1_000, deadAfterMs: 1_500 });
    await eve.startHeartbeat({ intervalMs: 50 }).beating;
    const asked = await eve.sendSignal(['ben'], 'ask');
    eve.waitForAcks(asked, { timeoutMs: 60_000 }).catch(() => undefined); // a monitor ends it
    await whenWaiting();
    eve.disconnect();
    await ada.leave();
    await ben.leave();
  } finally {
    for (const each of coordinators) each.disconnect();
  }
}

async function signalAndWait(ada: Coordinator, ben: Coordinator): Promise<void> {
  for (const each of [ada, ben])
    await each.startHeartbeat({ intervalMs: 86_400_000, phase: 'listening' }).beating;
  await ada.changePhase('asking');
  const sent = await ada.sendSignal(['ben', 'nobody'], 'plan', { ackTimeoutMs: 60_000 });
  await acknowledgeNext(ben);
  await ada.waitForAcks(sent, { timeoutMs: 50 });
  const next = await ada.sendSignal(['ben'], 'plan', { ackTimeoutMs: 60_000 });
  const waiting = ada.waitForAcks(next, { timeoutMs: 60_000 });
  await acknowledgeNext(ben);
  await waiting;
  await ada.sendSignal(['ben'], 'note');
  const [note] = await takeSignals(ben, 1);
  if (note !== undefined) await ben.settleSignal(note);
}

async function leaveWork(cyd: Coordinator, ben: Coordinator): Promise<void> {
  await cyd.openWork('job');
  await cyd.openWork('other-job');
  await cyd.finishWork('other-job');
  await ben.openWork('job'); // the name is taken when it is handed over
  await ben.sendSignal(['cyd'], 'plan');
  await cyd.sendSignal(['nobody'], 'ask', { ackTimeoutMs: 10 });
  await cyd.leave('failed');
  await ben.handOver('cyd');
  await ben.takeOver('cyd');
  await ben.listWork();
}

async function acknowledgeNext(coordinator: Coordinator): Promise<void> {
  const [signal] = await takeSignals(coordinator, 1);
  if (signal !== undefined) await coordinator.acknowledgeSignal(signal);
}
