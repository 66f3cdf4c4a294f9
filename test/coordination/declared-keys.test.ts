import { test } from '../harness/ava.ts';
import {
  cleanUp,
  LIBRARY,
  readNearBound,
  type Coordinator,
  type ReceivedSignal,
} from '@streamfold/coordination';
import { listUndeclared, startScriptLog } from '../harness/script-log.ts';
import { startRedis } from '../harness/start-redis.ts';
import { takeSignals, withSwarm, type TestSwarm } from '../harness/start-swarm.ts';
import { waitUntil } from '../harness/wait-until.ts';
import { callEarlierFunction, loadEarlierLibrary } from './earlier-library.ts';

const server = await startRedis();
test.after.always(() => server.stop());

const SIGNED = { keys: [{ id: 'k1', secret: 'a-secret-of-enough-characters' }] };
const WATCHED = { staleAfterMs: 60_000, deadAfterMs: 120_000 };

test.serial('no function touches a key that its caller has not declared', async (t) => {
  const log = await startScriptLog(server.port);
  try {
    await withSwarm(server, async (swarm) => {
      await signalAndWait(swarm);
      await leaveWorkBehind(swarm);
      await overrunDeadlines(swarm);
      await fillInbox(swarm);
      const calls = await log.read();
      t.deepEqual(listUndeclared(calls, swarm.prefix), []);
      const registered = [...LIBRARY.matchAll(/'(streamfold_2_\w+)'/g)].map(([, name = '']) => name);
      const called = new Set(calls.filter(({ commands }) => commands.length > 0).map(({ name }) => name));
      t.true(registered.length > 15);
      t.deepEqual(
        registered.filter((name) => !called.has(name)),
        ['streamfold_2_build'],
        'all functions were called',
      );
    });
  } finally {
    log.stop();
  }
});

test.serial(
  'a heartbeat, a signal, its ACK, a wait and a change of the phase are one call each',
  async (t) => {
    await withSwarm(server, async (swarm) => {
      const [ada, ben] = [await swarm.join('ada', WATCHED), await swarm.join('ben', WATCHED)];
      const log = await startScriptLog(server.port);
      const readNames = async (): Promise<string[]> => (await log.read()).map(({ name }) => name.slice(13));
      try {
        const heartbeat = ada.startHeartbeat({ intervalMs: 86_400_000 });
        await heartbeat.beating;
        heartbeat.stop();
        await ada.changePhase('planning');
        const sent = await ada.sendSignal(['ben'], 'plan', { ackTimeoutMs: 60_000 });
        await acknowledgeNext(ben);
        await ada.waitForAcks(sent, { timeoutMs: 60_000 });
        t.deepEqual(await readNames(), [
          'beat',
          'change_phase',
          'send_signal',
          'acknowledge_signal',
          'start_wait',
          'finish_wait',
        ]);
      } finally {
        log.stop();
      }
    });
  },
);

test.serial(
  'a monitor that finds nothing overdue makes one call, however many coordinators are alive',
  async (t) => {
    await withSwarm(server, async (swarm) => {
      await Promise.all(['ada', 'ben', 'cyd'].map((id) => swarm.join(id, WATCHED)));
      await swarm.step();
      const log = await startScriptLog(server.port);
      try {
        t.like(await swarm.step(), { stale: 0, more: false });
        t.deepEqual(
          (await log.read()).map(({ name }) => name),
          ['streamfold_2_step_monitor'],
        );
      } finally {
        log.stop();
      }
    });
  },
);

test.serial(
  'a monitor moves the overdue ones that it has asked for, although others become overdue meanwhile',
  async (t) => {
    await withSwarm(server, async (swarm) => {
      const { key, swarmId } = swarm;
      await swarm.step();
      const join = (id: string): Promise<unknown> =>
        swarm.call('start-coordinator', swarmId, id, '', 1, 60_000, '1'.repeat(20));
      const first = ['events', 'heartbeats', 'deadlines', 'monitor', 'set-aside'].map(key);
      const ask = async (): Promise<string[]> => {
        const reply = await stepWith(first).catch((error: unknown) => error);
        const [, names = ''] = /^UNDECLARED (.*)$/.exec(reply instanceof Error ? reply.message : '') ?? [];
        return names.split(' ').filter((name) => name !== '');
      };
      await join('ada');
      let asked: string[] = [];
      await waitUntil('the first one is overdue', async () => (asked = await ask()).length > 0);
      await join('ben');
      await waitUntil('the second one is overdue', async () => (await ask()).length > asked.length);
      const [stale, , , , more] = (await stepWith([...first, ...asked.map(key)])) as number[];
      t.deepEqual([stale, more], [1, 1]);
      t.like(await swarm.step(), { stale: 1, more: false });
    });
  },
);

test.serial('a key that a function names by itself is found in the log', async (t) => {
  await withSwarm(server, async ({ prefix, key, swarmId }) => {
    await loadEarlierLibrary(server.redis);
    const log = await startScriptLog(server.port);
    await callEarlierFunction(server.redis, 'list-settled', [key('events'), swarmId, 'ada']);
    const settled = key(`settled:${swarmId}|ada`);
    t.deepEqual(listUndeclared(await log.read(), prefix), [`streamfold_1_list_settled: ZRANGE ${settled}`]);
    log.stop();
  });
});

function stepWith(keys: readonly string[]): Promise<unknown> {
  return server.redis.fcall('streamfold_2_step_monitor', keys.length, ...keys, 100, 600_000, 0);
}

async function acknowledgeNext(coordinator: Coordinator): Promise<ReceivedSignal> {
  const [signal] = await takeSignals(coordinator, 1);
  if (signal === undefined) throw new Error('expected a signal');
  await coordinator.acknowledgeSignal(signal);
  return signal;
}

/** Signed signals, a forged ACK, and a signal that is settled without an ACK. */
async function signalAndWait({ join, call, swarmId }: TestSwarm): Promise<void> {
  const [ada, ben] = [
    await join('ada', { ...SIGNED, ...WATCHED }),
    await join('ben', { ...SIGNED, ...WATCHED }),
  ];
  const heartbeat = ben.startHeartbeat({ intervalMs: 86_400_000, phase: 'listening' });
  await heartbeat.beating;
  await ada.changePhase('asking');
  const sent = await ada.sendSignal(['ben'], 'plan', { ackTimeoutMs: 60_000 });
  const forged = [swarmId, 'ben', sent.id, 0, 'k1', 'forged', 'ben', '', ben.life, sent.nonce ?? ''];
  await call('acknowledge-signal', ...forged);
  const waiting = ada.waitForAcks(sent, { timeoutMs: 60_000 });
  await acknowledgeNext(ben);
  await waiting;
  await ada.sendSignal(['ben'], 'note');
  const [note] = await takeSignals(ben, 1);
  if (note !== undefined) await ben.settleSignal(note);
  await ada.leave();
  await ben.leave();
}

/** A coordinator that ends with open waits, work and signals; its successor is elected; later it is cleaned up. */
async function leaveWorkBehind({ join, call, swarmId, prefix }: TestSwarm): Promise<void> {
  const [cyd, dan] = [await join('cyd', WATCHED), await join('dan', WATCHED)];
  const heartbeat = dan.startHeartbeat({ intervalMs: 86_400_000 });
  await heartbeat.beating;
  await cyd.openWork('job');
  await cyd.openWork('other-job');
  await cyd.finishWork('other-job');
  await dan.sendSignal(['cyd'], 'plan');
  const sent = await cyd.sendSignal(['dan'], 'plan');
  for (const wait of ['w1', 'w2']) {
    await call('start-wait', swarmId, 'cyd', cyd.life, wait, sent.id, 0, 60_000, 1_000);
  }
  await cyd.leave('failed');
  await dan.handOver('cyd');
  await dan.listWork();
  for await (const verdict of cleanUp(server.redis, { prefix, shard: 0 }, { endedForMs: 0, dryRun: false })) {
    void verdict;
  }
}

/** An overdue coordinator with an open wait, an overdue wait, and overdue ACKs. */
async function overrunDeadlines({ join, step, call, swarmId }: TestSwarm): Promise<void> {
  const eve = await join('eve', { staleAfterMs: 100, deadAfterMs: 200 });
  const fay = await join('fay', WATCHED);
  const sent = await eve.sendSignal(['fay'], 'plan');
  await call('start-wait', swarmId, 'eve', eve.life, 'w3', sent.id, 0, 60_000, 1_000);
  const asked = await fay.sendSignal(['eve'], 'plan');
  await call('start-wait', swarmId, 'fay', fay.life, 'w4', asked.id, 0, 1, 0);
  await fay.sendSignal(['eve'], 'note', { ackTimeoutMs: 1 });
  const moved = { dead: 0, waits: 0, signals: 0 };
  await waitUntil('all are overdue', async () => {
    const found = await step();
    moved.dead += found.dead;
    moved.waits += found.waits;
    moved.signals += found.signals;
    return moved.dead === 1 && moved.waits === 1 && moved.signals === 1;
  });
}

/** An inbox that is nearly full: 8,000 of 10,000 signals. */
async function fillInbox({ join, key, swarmId, prefix }: TestSwarm): Promise<void> {
  const gus = await join('gus');
  const filling = server.redis.pipeline();
  for (let entries = 0; entries < 8_000; entries++) {
    filling.xadd(key(`inbox:${swarmId}|hal`), '*', 'signal_id', String(entries));
  }
  await filling.exec();
  await gus.sendSignal(['hal'], 'plan');
  await readNearBound(server.redis, { prefix, shard: 0 });
}
