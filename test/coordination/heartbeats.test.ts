import { test } from '../harness/ava.ts';
import { connectRedis, whenReady, type RedisConnection } from '@streamfold/redis';
import { stepMonitor } from '@streamfold/coordination';
import { startCommandLog } from '../harness/command-log.ts';
import { shareRedis } from '../harness/start-redis.ts';
import { withSwarm, type TestSwarm } from '../harness/start-swarm.ts';
import { waitUntil } from '../harness/wait-until.ts';

const server = await shareRedis();
test.after.always(() => server.stop());

const SOON = { staleAfterMs: 20, deadAfterMs: 40 };
const LATE = { staleAfterMs: 3_600_000, deadAfterMs: 7_200_000 };

/** Lets time pass for a coordinator, as if its deadline had just passed. */
async function makeOverdue(swarm: TestSwarm, coordinatorId: string): Promise<void> {
  const [seconds] = await server.redis.time();
  const nowMs = Number(seconds) * 1_000 - 1_000;
  await server.redis.zadd(swarm.key('heartbeats'), 'XX', nowMs, `${swarm.swarmId}|${coordinatorId}`);
}

test('an episode goes from stale to recovered, and a later one starts again', async (t) => {
  await withSwarm(server, async (swarm) => {
    const ada = await swarm.join('ada', { ...LATE, phase: 'planning' });
    await swarm.step();
    await ada.startHeartbeat({ intervalMs: 60_000, phase: 'reviewing' }).beating;
    t.like(await swarm.step(), { stale: 0, dead: 0 });
    for (let episode = 0; episode < 2; episode++) {
      await makeOverdue(swarm, 'ada');
      t.like(await swarm.step(), { stale: 1, dead: 0 });
      t.like(await swarm.step(), { stale: 0, dead: 0 });
      await ada.startHeartbeat({ intervalMs: 60_000 }).beating;
    }
    t.deepEqual(
      (await swarm.events()).map((event) => [event['type'], event['failure_type'] ?? event['phase']]),
      [
        ['coordinator.started', 'planning'],
        ['coordinator.phase_changed', 'reviewing'],
        ['heartbeat.stale', 'stale'],
        ['heartbeat.recovered', undefined],
        ['heartbeat.stale', 'stale'],
        ['heartbeat.recovered', undefined],
      ],
    );
  });
});

test('a coordinator that started and never beat is `missing`; overdue again it is declared dead: `timeout`, and its life ends', async (t) => {
  await withSwarm(server, async (swarm) => {
    let toldEnded = 0;
    await swarm.step();
    const ada = await swarm.join('ada', { ...SOON, observer: { ended: () => toldEnded++ } });
    await waitUntil('stale', async () => (await swarm.step()).stale === 1);
    await waitUntil('dead', async () => (await swarm.step()).dead === 1);
    t.like(await swarm.step(), { stale: 0, dead: 0, more: false });
    t.deepEqual(
      (await swarm.events()).map((event) => [event['type'], event['failure_type'] ?? event['timeout_type']]),
      [
        ['coordinator.started', undefined],
        ['heartbeat.stale', 'missing'],
        ['heartbeat.stale', 'timeout'],
        ['timeout', 'heartbeat'],
      ],
    );
    await ada.startHeartbeat({ intervalMs: 10 }).beating;
    t.is(toldEnded, 1, 'a heartbeat of an ended life is refused, and revives nothing');
    await t.throwsAsync(ada.changePhase('x'), { message: /^ended/ });
    t.is((await swarm.events()).length, 4);
  });
});

for (const monitors of [2, 10]) {
  test(`each episode is reported once with ${monitors} monitors at once`, async (t) => {
    await withSwarm(server, async (swarm) => {
      const ids = Array.from({ length: 60 }, (_, at) => `c${at}`);
      for (const id of ids) {
        await swarm.call('start-coordinator', swarm.swarmId, id, '', LATE.staleAfterMs, LATE.deadAfterMs);
      }
      await swarm.call(
        'send-signal',
        swarm.swarmId,
        'c0',
        '1',
        's',
        0,
        'plan',
        '',
        1,
        60_000,
        '',
        'c1',
        '',
        'c2',
        '',
      );
      const connections = Array.from({ length: monitors }, (_, at) => {
        const redis = connectRedis(server.url, { name: `monitor-${at}`, commandTimeoutMs: 5_000 });
        void redis.connect();
        return redis;
      });
      try {
        await Promise.all(connections.map((redis) => whenReady(redis, 5_000)));
        const found = { stale: 0, dead: 0, signals: 0 };
        for (const _ of ['stale', 'dead']) {
          for (const id of ids) await makeOverdue(swarm, id);
          await Promise.all(
            connections.map(async (redis) => {
              for (let steps = 0; steps < 12; steps++) {
                const settings = { limit: 7, outageMs: 60_000, graceMs: 0 };
                const step = await stepMonitor(redis, { prefix: swarm.prefix, shard: 0 }, settings);
                found.stale += step.stale;
                found.dead += step.dead;
                found.signals += step.signals;
              }
            }),
          );
        }
        t.deepEqual(found, { stale: 60, dead: 60, signals: 1 });
        const count = async (type: string, name: string, value: string): Promise<number> => {
          const events = (await swarm.events(type)).filter((event) => event[name] === value);
          const named = new Set(
            events.map((event) => [event['coordinator_id'], event['receiver_id']].join(' ')),
          );
          t.is(named.size, events.length, 'each once');
          return events.length;
        };
        t.is(await count('heartbeat.stale', 'failure_type', 'missing'), 60);
        t.is(await count('heartbeat.stale', 'failure_type', 'timeout'), 60);
        t.is(await count('timeout', 'timeout_type', 'heartbeat'), 60);
        t.is(await count('timeout', 'timeout_type', 'signal_ack'), 2);
      } finally {
        for (const redis of connections) redis.disconnect();
      }
    });
  });
}

test('a step moves at most its limit, and reports that there is more', async (t) => {
  await withSwarm(server, async (swarm) => {
    for (let at = 0; at < 25; at++) {
      await swarm.call('start-coordinator', swarm.swarmId, `c${at}`, '', 3_600_000, 7_200_000);
    }
    await swarm.step();
    for (let at = 0; at < 25; at++) await makeOverdue(swarm, `c${at}`);
    t.like(await swarm.step({ limit: 10 }), { stale: 10, more: true });
    t.like(await swarm.step({ limit: 10 }), { stale: 10, more: true });
    t.like(await swarm.step({ limit: 10 }), { stale: 5, more: false });
    t.like(await swarm.step({ limit: 10 }), { stale: 0, more: false });
  });
});

test('a step stops after about 1,000 events and reports that there is more, and the next steps report the rest, each once', async (t) => {
  await withSwarm(server, async (swarm) => {
    const ada = await swarm.join('ada');
    await swarm.step();
    const receivers = Array.from({ length: 400 }, (_, at) => `r${at}`);
    for (let at = 0; at < 4; at++) {
      const { id } = await ada.sendSignal(receivers, 'plan', { id: `waited-${at}` });
      await swarm.call('start-wait', swarm.swarmId, 'ada', ada.life, `w${at}`, id, 0, 1, 0);
      await ada.sendSignal(receivers, 'plan', { id: `sent-${at}`, ackTimeoutMs: 1 });
    }
    await waitUntil('all is overdue', async () => {
      const [seconds, micros] = await server.redis.time();
      const nowMs = Number(seconds) * 1_000 + Number(micros) / 1_000;
      return (await server.redis.zcount(swarm.key('deadlines'), '-inf', nowMs)) === 8;
    });
    for (const subjects of [3, 3]) {
      const before = (await swarm.events('timeout')).length;
      const step = await swarm.step();
      t.is(step.waits + step.signals, subjects);
      t.true(step.more);
      const told = (await swarm.events('timeout')).length - before;
      t.true(told >= 1_000 && told < 1_500, String(told));
    }
    const last = await swarm.step();
    t.is(last.waits + last.signals, 2);
    t.false(last.more);
    const missing = (await swarm.events('timeout')).filter((event) => event['receiver_id'] !== undefined);
    const named = new Set(missing.map((event) => [event['signal_id'], event['receiver_id']].join(' ')));
    t.is(missing.length, 8 * 400);
    t.is(named.size, missing.length);
  });
});

test('after an outage of the monitors no coordinator is overdue for one grace period, and one that beats in it stays alive', async (t) => {
  await withSwarm(server, async (swarm) => {
    const ada = await swarm.join('ada', LATE);
    await swarm.join('ben', LATE);
    await swarm.step();
    for (const id of ['ada', 'ben']) await makeOverdue(swarm, id);
    await server.redis.hset(swarm.key('monitor'), 'stepped_ms', Date.now() - 61_000); // no step for a minute
    const first = await swarm.step({ outageMs: 60_000, graceMs: 300 });
    t.like(first, { stale: 0, graceLeftMs: 300 });
    const second = await swarm.step({ outageMs: 60_000, graceMs: 300 });
    t.is(second.stale, 0);
    t.true(
      second.graceLeftMs > 0 && second.graceLeftMs <= 300,
      'there is one grace period, not one after another',
    );
    await ada.startHeartbeat({ intervalMs: 60_000 }).beating;
    let stale = 0;
    await waitUntil('the grace is over', async () => {
      const step = await swarm.step({ outageMs: 60_000, graceMs: 300 });
      stale += step.stale;
      return step.graceLeftMs === 0;
    });
    t.is(stale, 1);
    t.like((await swarm.events('heartbeat.stale'))[0], { coordinator_id: 'ben' });
  });
});

test('a monitor that may not ask for the run of Redis suspends nothing, and keeps what another one recorded', async (t) => {
  await withSwarm(server, async (swarm) => {
    await server.redis.call('ACL', 'SETUSER', 'unasking', 'on', '>secret', '~*', '&*', '+@all', '-info');
    const url = `redis://unasking:secret@127.0.0.1:${server.port}`;
    const unasking = connectRedis(url, { name: 'unasking', commandTimeoutMs: 5_000 });
    void unasking.connect();
    try {
      await whenReady(unasking, 5_000);
      const settings = { limit: 7, outageMs: 60_000, graceMs: 60_000 };
      const suspended = async (redis: RedisConnection): Promise<boolean> => {
        const step = await stepMonitor(redis, { prefix: swarm.prefix, shard: 0 }, settings);
        await server.redis.hset(swarm.key('monitor'), 'suspended_until_ms', 0);
        return step.graceLeftMs > 0;
      };
      t.true(await suspended(unasking), 'the first step');
      for (const redis of [unasking, server.redis, unasking, server.redis, unasking])
        t.false(await suspended(redis));
      await server.redis.hset(swarm.key('monitor'), 'run_id', 'another');
      t.false(await suspended(unasking));
      t.true(await suspended(server.redis), 'a user that may read the run ID notices the restart');
    } finally {
      unasking.disconnect();
    }
  });
});

test.serial('staleness is read from a sorted set: no key expires, and no key is searched for', async (t) => {
  await withSwarm(server, async (swarm) => {
    const log = await startCommandLog(server.port, swarm.prefix);
    const ada = await swarm.join('ada', LATE);
    await ada.startHeartbeat({ intervalMs: 60_000 }).beating;
    await swarm.join('ben', SOON);
    await swarm.step();
    await waitUntil('ben is dead', async () => (await swarm.step()).dead === 1);
    await waitUntil('it was logged', () => log.all().includes('zrangebyscore'));
    log.stop();
    for (const name of ['keys', 'scan', 'expire', 'pexpire', 'pexpireat', 'setex'])
      t.false(log.all().includes(name), name);
    for (const name of await server.redis.keys(`${swarm.prefix}:*`))
      t.is(await server.redis.ttl(name), -1, name);
  });
});

test.serial('the cost of a step grows with the overdue coordinators, not with the living ones', async (t) => {
  t.is(await countCommandsOfStep(20_000), await countCommandsOfStep(10));
});

async function countCommandsOfStep(living: number): Promise<number> {
  let commands = 0;
  await withSwarm(server, async (swarm) => {
    const due = Array.from({ length: living }, (_, at) => [9e15, `${swarm.swarmId}|c${at}`]).flat();
    await server.redis.zadd(swarm.key('heartbeats'), ...due);
    await swarm.step();
    const log = await startCommandLog(server.port, swarm.prefix);
    await swarm.step();
    await server.redis.type(swarm.key('end'));
    await waitUntil('all is logged', () => log.all().includes('type'));
    log.stop();
    commands = log.all().length;
  });
  return commands;
}

test('a coordinator without a heartbeat interval is never overdue', async (t) => {
  await withSwarm(server, async (swarm) => {
    const ada = await swarm.join('ada', { staleAfterMs: 0 });
    await ada.startHeartbeat({ intervalMs: 60_000 }).beating;
    t.is(await server.redis.zcard(swarm.key('heartbeats')), 0);
  });
});

test('a life leaves no deadline however it ends, and a new life starts without those of the old one', async (t) => {
  await withSwarm(server, async (swarm) => {
    await swarm.step();
    const first = await swarm.join('ada', SOON);
    await waitUntil('stale', async () => (await swarm.step()).stale === 1);
    const second = await swarm.join('ada', LATE);
    t.is(Math.floor(Number(second.life)), Math.floor(Number(first.life)) + 1);
    t.is(await server.redis.hget(swarm.key(`coordinator:${swarm.swarmId}|ada`), 'state'), 'started');
    await second.leave('failed');
    await second.leave();
    t.is(await server.redis.zcard(swarm.key('heartbeats')), 0);
    t.like((await swarm.events()).at(-1), { type: 'coordinator.stopped', reason: 'failed' });
    t.is((await swarm.events('coordinator.stopped')).length, 1);
  });
});
