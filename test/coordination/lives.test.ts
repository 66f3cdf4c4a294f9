import { test } from '../harness/ava.ts';
import { startFaultProxy } from '../harness/fault-proxy.ts';
import { shareRedis } from '../harness/start-redis.ts';
import { takeSignals, withSwarm, type TestSwarm } from '../harness/start-swarm.ts';

const server = await shareRedis();
test.after.always(() => server.stop());

const TOKENS = ['1', '2', '3'].map((digit) => digit.repeat(20));

/** Begins a life as a client in another language does; without a token, as a client of the earlier version does. */
function start(swarm: TestSwarm, ...token: string[]): Promise<unknown> {
  return swarm.call('start-coordinator', swarm.swarmId, 'ada', '', 0, 0, ...token);
}

test('a first attempt to join that arrives after its retry does not end the life of the retry', async (t) => {
  const proxy = await startFaultProxy(server.port);
  try {
    await withSwarm(server, async (swarm) => {
      const kept = proxy.keepBack('start_coordinator');
      const ada = await swarm.join('ada', { url: `redis://127.0.0.1:${proxy.port}` });
      const deliverLate = await kept;
      await deliverLate();
      await ada.changePhase('still-here');
      t.deepEqual(
        (await swarm.events()).map(({ type }) => type),
        ['coordinator.started', 'coordinator.phase_changed'],
      );
    });
  } finally {
    await proxy.stop();
  }
});

test('the same token means the same life, and starts no new one after that life has ended', async (t) => {
  await withSwarm(server, async (swarm) => {
    const [first = '', second = '', third = ''] = TOKENS;
    t.deepEqual(await start(swarm, first), ['started', `1.${first}`, '0-0']);
    t.deepEqual(await start(swarm, first), ['started', `1.${first}`, '0-0']);
    t.deepEqual(await start(swarm, second), ['started', `2.${second}`, '0-0']);
    t.deepEqual(await start(swarm, first), ['ended'], 'another life has begun since');
    t.deepEqual(await start(swarm, third), ['started', `3.${third}`, '0-0']);
    t.deepEqual(await start(swarm, first), ['ended']);
    t.is(await swarm.call('stop-coordinator', swarm.swarmId, 'ada', `3.${third}`, 'completed'), 'stopped');
    t.deepEqual(await start(swarm, third), ['ended']);
    t.is((await swarm.events('coordinator.started')).length, 3);
  });
});

test('a life of the earlier version, without a token, continues, and neither it nor a life with a token can act for the other', async (t) => {
  await withSwarm(server, async (swarm) => {
    const [token = ''] = TOKENS;
    const phase = async (life: string): Promise<unknown> =>
      swarm.call('change-phase', swarm.swarmId, 'ada', life, `phase-${Math.random()}`);
    t.deepEqual(await start(swarm), ['started', '1', '0-0']);
    t.is(await phase('1'), 'changed');
    t.is(await phase(`1.${token}`), 'ended');
    t.deepEqual(await start(swarm, token), ['started', `2.${token}`, '0-0']);
    t.is(await phase('2'), 'ended');
    t.is(await phase(`2.${token}`), 'changed');
    t.deepEqual(await start(swarm), ['started', '3', '0-0']);
    t.is(await phase(`2.${token}`), 'ended');
    t.is(await phase('3'), 'changed');
  });
});

test('after Redis has gone back, a process of the lost future cannot act for the later life with the same number', async (t) => {
  await withSwarm(server, async (swarm) => {
    const ben = await swarm.join('ben');
    const record = swarm.key(`coordinator:${swarm.swarmId}|ada`);
    const inbox = swarm.key(`inbox:${swarm.swarmId}|ada`);
    const zombie = await swarm.join('ada');
    await zombie.openWork('report');
    await ben.sendSignal(['ada'], 'plan', { id: 'p' });
    const [signal] = await takeSignals(zombie, 1);
    // The effect on this coordinator of restoring a backup from before it joined.
    await server.redis.del(record, inbox, swarm.key(`work:${swarm.swarmId}|ada`));
    await server.redis.del(swarm.key(`signal:${swarm.swarmId}|p|0`));

    const ada = await swarm.join('ada');
    t.is(Math.floor(Number(ada.life)), Math.floor(Number(zombie.life)), 'the same number is assigned twice');
    await ada.openWork('report');
    await ben.sendSignal(['ada'], 'plan', { id: 'p' });
    const refused = { message: /^ended/ };
    await t.throwsAsync(zombie.finishWork('report'), refused);
    await t.throwsAsync(zombie.changePhase('x'), refused);
    await t.throwsAsync(zombie.sendSignal(['ben'], 'x'), refused);
    await t.throwsAsync(zombie.takeOver('nobody'), refused);
    if (signal !== undefined) {
      await t.throwsAsync(zombie.acknowledgeSignal(signal), refused);
      await t.throwsAsync(zombie.settleSignal(signal), refused);
    }
    await t.throwsAsync(takeSignals(zombie, 1), refused);
    await zombie.leave();
    t.is((await ada.listWork()).length, 1);
    t.is((await takeSignals(ada, 1)).length, 1);
    t.deepEqual(await swarm.events('signal.acked'), []);
    t.deepEqual(await swarm.events('coordinator.stopped'), []);
  });
});

test('a token that is not a row of digits is refused in one line', async (t) => {
  await withSwarm(server, async (swarm) => {
    for (const token of ['123', 'a'.repeat(20), '1'.repeat(41)]) {
      await t.throwsAsync(start(swarm, token), { message: /token: expected 16 to 40 digits; got / });
    }
    t.deepEqual(await swarm.events(), []);
  });
});
