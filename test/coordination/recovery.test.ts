import { test } from '../harness/ava.ts';
import { startFaultProxy } from '../harness/fault-proxy.ts';
import { shareRedis } from '../harness/start-redis.ts';
import { takeSignals, withSwarm, type TestSwarm } from '../harness/start-swarm.ts';

const server = await shareRedis();
test.after.always(() => server.stop());

async function kill(swarm: TestSwarm, id: string): Promise<void> {
  const life = (await server.redis.hget(swarm.key(`coordinator:${swarm.swarmId}|${id}`), 'life')) ?? '';
  await swarm.call('stop-coordinator', swarm.swarmId, id, life, 'terminated');
}

test('the work and unsettled signals of a dead coordinator move to its successor in one atomic step', async (t) => {
  await withSwarm(server, async (swarm) => {
    const [ada, ben, cyd] = [await swarm.join('ada'), await swarm.join('ben'), await swarm.join('cyd')];
    t.true(await cyd.openWork('report', 'half'));
    t.false(await cyd.openWork('report', 'again'), 'the coordinator has this work already');
    t.true(await cyd.openWork('done'));
    t.true(await cyd.finishWork('done'));
    for (const id of ['1', '2', '3']) await ada.sendSignal(['cyd'], 'plan', { id });
    const [settled] = await takeSignals(cyd, 2); // all three are now pending at the reader of cyd
    if (settled) await cyd.acknowledgeSignal(settled);
    await t.throwsAsync(ben.takeOver('cyd'), { message: /alive/ });
    await kill(swarm, 'cyd');
    t.deepEqual(await ben.takeOver('cyd'), { successor: 'ben', work: 1, signals: 2 });
    t.deepEqual(
      await ben.takeOver('cyd'),
      { successor: 'ben', work: 0, signals: 0 },
      'a second takeover moves nothing',
    );
    const [work, ...more] = await ben.listWork();
    t.like(work, {
      workId: 'report',
      payload: 'half',
      status: 'transferred',
      assignedTo: 'ben',
      transferredFrom: 'cyd',
    });
    t.true(Number.isSafeInteger(work?.openedAt) && Number.isSafeInteger(work?.transferredAt));
    t.deepEqual(more, []);
    t.is(await server.redis.hlen(swarm.key(`work:${swarm.swarmId}|cyd`)), 0);
    const came = await takeSignals(ben, 2);
    t.deepEqual(
      came.map(({ id, receiverId }) => [id, receiverId]),
      [
        ['2', 'cyd'],
        ['3', 'cyd'],
      ],
    );
    t.is(await server.redis.xlen(swarm.key(`inbox:${swarm.swarmId}|cyd`)), 0);
    t.is((await swarm.events('signal.sent')).length, 3, 'a handover is not counted as a signal');
  });
});

test("a successor's ACK on behalf of the dead receiver completes the sender's wait", async (t) => {
  await withSwarm(server, async (swarm) => {
    const keys = [{ id: 'k1', secret: 'a-secret-of-enough-characters' }];
    const signing = { keys, requireSignatures: true };
    const [ada, ben] = [await swarm.join('ada', signing), await swarm.join('ben', signing)];
    await swarm.join('cyd', signing);
    const sent = await ada.sendSignal(['cyd'], 'plan');
    const waiting = ada.waitForAcks(sent, { timeoutMs: 20_000 });
    await kill(swarm, 'cyd');
    await ben.takeOver('cyd');
    const [signal] = await takeSignals(ben, 1);
    if (signal) t.is((await ben.acknowledgeSignal(signal)).status, 'recorded');
    t.like(await waiting, { status: 'completed', acked: ['cyd'] });
    t.like((await swarm.events('signal.acked'))[0], { sender_id: 'ada', receiver_id: 'cyd' });
  });
});

test('a successor is named or elected: the first by name of the live coordinators of the swarm', async (t) => {
  await withSwarm(server, async (swarm) => {
    const beating = { staleAfterMs: 600_000 };
    const [ada, zoe] = [await swarm.join('ada'), await swarm.join('zoe', beating)];
    for (const id of ['x1', 'x2', 'x3']) {
      const each = await swarm.join(id);
      await each.openWork('w');
      await kill(swarm, id);
    }
    const noSuccessor = { message: /^invalid: successor of x1/ };
    await t.throwsAsync(ada.handOver('x1'), noSuccessor, 'nobody beats');
    await t.throwsAsync(ada.handOver('x1', 'x2'), noSuccessor, 'it has ended itself');
    await t.throwsAsync(ada.handOver('x1', 'nobody'), noSuccessor);
    t.like(await ada.handOver('x1', 'ada'), { successor: 'ada', work: 1 });
    await zoe.startHeartbeat({ intervalMs: 60_000 }).beating;
    await (await swarm.join('bea', beating)).startHeartbeat({ intervalMs: 60_000 }).beating;
    await swarm.join('aaa', beating); // never beats
    const other = await swarm.join('aa', { ...beating, swarmId: 'another' });
    await other.startHeartbeat({ intervalMs: 60_000 }).beating;
    t.like(await ada.handOver('x2'), { successor: 'bea', work: 1 });
    t.like(await ada.handOver('x3', 'zoe'), { successor: 'zoe', work: 1 });
  });
});

test('if two successors take over at once, each item goes to exactly one of them', async (t) => {
  await withSwarm(server, async (swarm) => {
    const [ada, ben, cyd] = [await swarm.join('ada'), await swarm.join('ben'), await swarm.join('cyd')];
    for (let at = 0; at < 2_500; at++) {
      const record = { status: 'open', assignedTo: 'cyd', payload: `p${at}`, openedAt: 1 };
      void server.redis.hset(swarm.key(`work:${swarm.swarmId}|cyd`), `w${at}`, JSON.stringify(record));
    }
    await Promise.all(
      Array.from({ length: 300 }, (_, at) => ada.sendSignal(['cyd'], 'plan', { id: `s${at}` })),
    );
    cyd.disconnect();
    await kill(swarm, 'cyd');
    const taken = await Promise.all([ada.takeOver('cyd'), ben.takeOver('cyd'), ada.takeOver('cyd')]);
    t.is(
      taken.reduce((sum, { work }) => sum + work, 0),
      2_500,
      'in steps of 1,000',
    );
    t.is(
      taken.reduce((sum, { signals }) => sum + signals, 0),
      300,
    );
    const ids = [...(await ada.listWork()), ...(await ben.listWork())].map(({ workId }) => workId);
    t.is(new Set(ids).size, 2_500);
    t.is(ids.length, 2_500);
    const inboxes = ['ada', 'ben'].map((id) => server.redis.xlen(swarm.key(`inbox:${swarm.swarmId}|${id}`)));
    t.is(
      (await Promise.all(inboxes)).reduce((sum, length) => sum + length, 0),
      300,
    );
    t.is(await server.redis.hlen(swarm.key(`work:${swarm.swarmId}|cyd`)), 0);
  });
});

test('a hand-over that was cut off continues where it stopped: nothing is lost or moved twice', async (t) => {
  const proxy = await startFaultProxy(server.port);
  try {
    await withSwarm(server, async (swarm) => {
      const ben = await swarm.join('ben', { url: `redis://127.0.0.1:${proxy.port}` });
      const cyd = await swarm.join('cyd');
      for (let at = 0; at < 50; at++) await cyd.openWork(`w${at}`);
      await kill(swarm, 'cyd');
      const cut = proxy.cutAfterReply('take_over');
      const taking = ben.takeOver('cyd');
      await cut;
      t.like(
        await taking,
        { successor: 'ben', work: 0 },
        'the reply with the number was lost, the work was not',
      );
      t.is((await ben.listWork()).length, 50);
      // One of many steps, and no one to continue: each item is with one of the two.
      await ben.openWork('own');
      const dan = await swarm.join('dan');
      for (let at = 0; at < 20; at++) await dan.openWork(`d${at}`);
      await kill(swarm, 'dan');
      const step = (await swarm.call(
        'take-over',
        swarm.swarmId,
        'ben',
        ben.life,
        'dan',
        'ben',
        8,
      )) as unknown[];
      t.deepEqual(step, ['moved', 'ben', 8, 0, 1]);
      t.is((await ben.listWork()).length, 59);
      t.is(await server.redis.hlen(swarm.key(`work:${swarm.swarmId}|dan`)), 12);
      t.like(await ben.takeOver('dan'), { work: 12 });
    });
  } finally {
    await proxy.stop();
  }
});

test('items of work with the same name stay separate, however often they are taken over, and can be finished', async (t) => {
  await withSwarm(server, async (swarm) => {
    const ben = await swarm.join('ben');
    const name = 'w'.repeat(128);
    await ben.openWork(name, 'own');
    for (const payload of ['first', 'second', 'third']) {
      const cyd = await swarm.join('cyd');
      await cyd.openWork(name, payload);
      await kill(swarm, 'cyd');
      await ben.takeOver('cyd');
    }
    const work = await ben.listWork();
    t.deepEqual(work.map(({ payload }) => payload).toSorted(), ['first', 'own', 'second', 'third']);
    for (const { workId } of work) t.true(await ben.finishWork(workId));
  });
});

test('every operation of an ended life is refused, and writes nothing', async (t) => {
  await withSwarm(server, async (swarm) => {
    const [ada, zombie] = [await swarm.join('ada'), await swarm.join('ben')];
    await ada.sendSignal(['ben'], 'plan', { id: 'p' });
    const [signal] = await takeSignals(zombie, 1);
    const sent = await zombie.sendSignal(['ada'], 'plan', { id: 'q' });
    await zombie.openWork('w');
    await (await swarm.join('cyd')).openWork('c');
    await kill(swarm, 'cyd');
    await kill(swarm, 'ben');
    await ada.takeOver('ben');
    const events = (await swarm.events()).length;
    if (!signal) return;
    const ended = { message: /^ended/ };
    await t.throwsAsync(zombie.openWork('x'), ended);
    await t.throwsAsync(zombie.finishWork('w'), ended);
    await t.throwsAsync(zombie.listWork(), ended);
    await t.throwsAsync(zombie.takeOver('cyd'), ended);
    await t.throwsAsync(zombie.handOver('cyd', 'ada'), ended);
    await t.throwsAsync(zombie.acknowledgeSignal(signal), ended);
    await t.throwsAsync(zombie.settleSignal(signal), ended);
    await t.throwsAsync(zombie.sendSignal(['ada'], 'plan'), ended);
    await t.throwsAsync(zombie.changePhase('x'), ended);
    await t.throwsAsync(zombie.waitForAcks(sent, { timeoutMs: 10 }), ended);
    await t.throwsAsync(takeSignals(zombie, 1), ended);
    await zombie.leave();
    t.is((await swarm.events()).length, events);
    t.is((await ada.listWork()).length, 1);
  });
});

test('the inbox of a coordinator that has not joined yet cannot be taken over', async (t) => {
  await withSwarm(server, async (swarm) => {
    const ada = await swarm.join('ada');
    await ada.sendSignal(['late'], 'plan', { id: 'p' });
    const never = {
      message: 'invalid: late: expected a coordinator that has ended; none of that id has joined',
    };
    await t.throwsAsync(ada.takeOver('late'), never);
    await t.throwsAsync(ada.handOver('late', 'ada'), never);
    const [signal] = await takeSignals(await swarm.join('late'), 1);
    t.is(signal?.id, 'p');
  });
});
