import { test } from '../harness/ava.ts';
import type { FunctionName } from '@streamfold/coordination';
import { shareRedis } from '../harness/start-redis.ts';
import { takeSignals, withSwarm, type TestSwarm } from '../harness/start-swarm.ts';
import { waitUntil } from '../harness/wait-until.ts';
import { callEarlierFunction, canRunEarlierLibrary, loadEarlierLibrary } from './earlier-library.ts';

const server = await shareRedis();
test.after.always(() => server.stop());
test.before(() => loadEarlierLibrary(server.redis));

type Call = (name: FunctionName, ...args: (string | number)[]) => Promise<unknown>;

/** Calls of a program of the version before, in the same swarm. */
function earlierProgram({ key, swarmId }: TestSwarm): Call {
  return (name, ...args) => callEarlierFunction(server.redis, name, [key('events'), swarmId, ...args]);
}

const TOKEN = '7'.repeat(39);

test('programs of interface 1 and 2 signal to each other and wait for each other in one swarm', async (t) => {
  if (!(await canRunEarlierLibrary(server.redis))) {
    t.pass('earlier-functions.test.ts has what happens instead');
    return;
  }
  await withSwarm(server, async (swarm) => {
    const call = earlierProgram(swarm);
    const ada = await swarm.join('ada', { staleAfterMs: 60_000, deadAfterMs: 120_000 });
    const [started, life] = (await call('start-coordinator', 'old', '', 60_000, 120_000, TOKEN)) as string[];
    t.deepEqual([started, life], ['started', `1.${TOKEN}`]);

    // The new one sends and waits, the earlier one ACKs.
    const sent = await ada.sendSignal(['old'], 'plan', { id: 'p' });
    const waiting = ada.waitForAcks(sent, { timeoutMs: 60_000 });
    const read = ['GROUP', `life-${life}`, 'reader', 'STREAMS', swarm.key(`inbox:${swarm.swarmId}|old`), '>'];
    const reply = (await server.redis.call('XREADGROUP', ...read)) as [[string, [[string]]]];
    const [entry] = reply[0][1][0];
    const ack = ['old', 'p', 0, '', '', 'old', entry, life ?? '', sent.nonce ?? ''];
    t.is(((await call('acknowledge-signal', ...ack)) as string[])[0], 'recorded');
    t.like(await waiting, { status: 'completed', acked: ['old'] });

    // The earlier one sends and waits, the new one ACKs.
    const send = ['old', life ?? '', 'q', 0, 'plan', '', 0, 60_000, '', `${'n'.repeat(22)}||`, 'ada', '', ''];
    t.is(((await call('send-signal', ...send)) as string[])[0], 'sent');
    t.is(await call('start-wait', 'old', life ?? '', 'w', 'q', 0, 60_000, 1_000), 'open');
    const [signal] = await takeSignals(ada, 1);
    if (signal === undefined) throw new Error('expected a signal');
    t.like(await ada.acknowledgeSignal(signal), { status: 'recorded' });
    const finished = (await call('finish-wait', 'w', 'if_complete', 'any')) as string[];
    t.deepEqual([finished[0], finished[1], finished[3]], ['finished', 'completed', 'ada']);
  });
});

test('each interface continues what the other one has left: lives, work, inboxes and overdue coordinators', async (t) => {
  if (!(await canRunEarlierLibrary(server.redis))) {
    t.pass('earlier-functions.test.ts has what happens instead');
    return;
  }
  await withSwarm(server, async (swarm) => {
    const call = earlierProgram(swarm);
    const first = await swarm.join('ada');
    await first.openWork('job', 'text');
    const [, life = ''] = (await call('start-coordinator', 'ada', '', 0, 0, TOKEN)) as string[];
    t.is(life, `2.${TOKEN}`, 'the second life of the same coordinator');
    await t.throwsAsync(first.changePhase('late'), { message: /^ended/ });
    t.is(((await call('list-work', 'ada', life)) as string[])[0], 'job');
    t.is(await call('stop-coordinator', 'ada', life, 'failed'), 'stopped');

    const ben = await swarm.join('ben', { staleAfterMs: 60_000, deadAfterMs: 120_000 });
    t.like(await ben.takeOver('ada'), { work: 1, successor: 'ben' });
    t.is(await call('finish-work', 'ben', ben.life, 'job'), 'finished');

    // A monitor of either interface finds a coordinator of the other one.
    await call('start-coordinator', 'old', '', 1, 2, TOKEN);
    const late = await swarm.join('new', { staleAfterMs: 10, deadAfterMs: 11 });
    const found = { stale: 0, dead: 0 };
    const earlierStep = (): Promise<unknown> =>
      callEarlierFunction(server.redis, 'step-monitor', [swarm.key('events'), 1, 60_000, 0]);
    await waitUntil('both are dead', async () => {
      const [stale = 0, dead = 0] = (await earlierStep()) as number[];
      const step = await swarm.step({ limit: 1 });
      found.stale += stale + step.stale;
      found.dead += dead + step.dead;
      return found.dead === 2;
    });
    t.deepEqual(found, { stale: 2, dead: 2 });
    await t.throwsAsync(late.changePhase('late'), { message: /^ended/ });
    const stale = await swarm.events('heartbeat.stale');
    t.is(stale.length, 4, 'each episode is reported once');
  });
});
