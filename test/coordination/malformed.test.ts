import { test } from '../harness/ava.ts';
import { shareRedis } from '../harness/start-redis.ts';
import { withSwarm } from '../harness/start-swarm.ts';

const server = await shareRedis();
test.after.always(() => server.stop());
const { redis } = server;

const LATE = { staleAfterMs: 3_600_000, deadAfterMs: 7_200_000 };

test('a malformed record is set aside with its reason, and all others on the shard are checked', async (t) => {
  await withSwarm(server, async (swarm) => {
    const { swarmId, key } = swarm;
    await swarm.step();
    const good = await swarm.join('good', LATE);
    const sent = await good.sendSignal(['ben'], 'plan', { id: 'p' });
    await swarm.call('start-wait', swarmId, 'good', good.life, 'w-good', sent.id, 0, 1, 0);
    for (const id of ['no-number', 'no-field']) await swarm.join(id, LATE);
    await redis.hset(key(`coordinator:${swarmId}|no-number`), 'dead_after_ms', 'soon');
    await redis.hdel(key(`coordinator:${swarmId}|no-field`), 'stale_after_ms');
    await redis.set(key(`coordinator:${swarmId}|no-hash`), 'text');
    const due = ['good', 'no-number', 'no-field', 'no-hash'].map((id) => `${swarmId}|${id}`);
    for (const member of [...due, 'no name']) await redis.zadd(key('heartbeats'), 1, member);
    await redis.set(key(`wait:${swarmId}|no-hash`), 'text');
    await redis.hset(key(`wait:${swarmId}|no-list`), {
      coordinator_id: 'good',
      signal_id: 'p',
      iteration: 0,
      started_micros: 1,
      receivers: '{',
    });
    await redis.hset(key(`wait:${swarmId}|no-round`), {
      coordinator_id: 'good',
      signal_id: 'p',
      started_micros: 1,
      receivers: '["ben"]',
    });
    await redis.hset(key(`signal:${swarmId}|no-list|0`), { sender_id: 'good', receivers: 'nobody' });
    const deadlines = [
      `w|${swarmId}|no-hash`,
      `w|${swarmId}|no-list`,
      `w|${swarmId}|no-round`,
      `s|${swarmId}|no-list|0`,
      'x|y|z',
    ];
    for (const member of [...deadlines, `w|${swarmId}|w-good`]) await redis.zadd(key('deadlines'), 1, member);

    t.like(await swarm.step(), { stale: 1, waits: 1, setAside: 9, setAsideKept: 9 });
    t.like(await swarm.step(), { stale: 0, waits: 0, setAside: 0, setAsideKept: 9 });
    t.like((await swarm.events('heartbeat.stale'))[0], { coordinator_id: 'good' });
    t.like((await swarm.events('wait.finished'))[0], { wait_id: 'w-good', status: 'timeout' });
    const notes = await redis.hgetall(key('set-aside'));
    const expected: Record<string, RegExp> = {
      [`heartbeats ${swarmId}|no-number`]: /dead_after_ms: expected a whole number .* got soon/,
      [`heartbeats ${swarmId}|no-field`]: /stale_after_ms: expected a whole number .* got nil/,
      [`heartbeats ${swarmId}|no-hash`]: /WRONGTYPE/,
      'heartbeats no name': /swarm_id: expected 1 to 128 characters/,
      [`deadlines w|${swarmId}|no-hash`]: /WRONGTYPE/,
      [`deadlines w|${swarmId}|no-list`]: /expected receivers, a JSON array of ids; got \{/,
      [`deadlines w|${swarmId}|no-round`]: /attempt to concatenate/,
      [`deadlines s|${swarmId}|no-list|0`]: /expected receivers, a JSON array of ids; got nobody/,
      'deadlines x|y|z': /kind: expected w, s; got x/,
    };
    t.deepEqual(Object.keys(notes).toSorted(), Object.keys(expected).toSorted());
    for (const [subject, reason] of Object.entries(expected)) t.regex(notes[subject] ?? '', reason, subject);
    t.is(await redis.get(key(`coordinator:${swarmId}|no-hash`)), 'text', 'the record itself is left alone');
  });
});

test('a coordinator can die, stop and restart even if one of its waits is malformed', async (t) => {
  await withSwarm(server, async (swarm) => {
    const { swarmId, key } = swarm;
    await swarm.step();
    const breakWait = async (id: string): Promise<void> => {
      await redis.set(key(`wait:${swarmId}|broken-${id}`), 'text');
      await redis.sadd(key(`waits:${swarmId}|${id}`), `broken-${id}`);
    };
    const [dies, stops, again] = ['dies', 'stops', 'again'];
    for (const id of [dies, stops, again]) await breakWait(id);
    await swarm.join(dies, LATE);
    await breakWait(dies);
    for (const state of ['stale', 'dead'] as const) {
      await redis.zadd(key('heartbeats'), 1, `${swarmId}|${dies}`);
      t.is((await swarm.step())[state], 1);
    }
    const stopping = await swarm.join(stops, LATE);
    await breakWait(stops);
    await stopping.leave();
    await swarm.join(again, LATE);
    await breakWait(again);
    await swarm.join(again, LATE);
    t.is((await swarm.events('timeout')).length, 1);
    t.is((await swarm.events('coordinator.stopped')).length, 1);
    t.is(await redis.hlen(key('set-aside')), 3);
  });
});

test('a malformed coordinator is checked again once its record is repaired and it beats', async (t) => {
  await withSwarm(server, async (swarm) => {
    const { swarmId, key } = swarm;
    await swarm.step();
    const ada = await swarm.join('ada', LATE);
    const record = key(`coordinator:${swarmId}|ada`);
    await redis.hset(record, 'dead_after_ms', '-');
    await redis.zadd(key('heartbeats'), 1, `${swarmId}|ada`);
    t.like(await swarm.step(), { setAside: 1 });
    await redis.hset(record, 'dead_after_ms', LATE.deadAfterMs);
    await redis.hdel(key('set-aside'), `heartbeats ${swarmId}|ada`);
    await ada.startHeartbeat({ intervalMs: 60_000 }).beating;
    await redis.zadd(key('heartbeats'), 1, `${swarmId}|ada`);
    t.like(await swarm.step(), { stale: 1, setAside: 0, setAsideKept: 0 });
  });
});

test('at most 1,000 malformed subjects are noted; all of them are set aside and counted', async (t) => {
  await withSwarm(server, async (swarm) => {
    await swarm.step();
    const members = Array.from({ length: 1_100 }, (_, at) => [1, `no-${at}`]).flat();
    await redis.zadd(swarm.key('deadlines'), ...members);
    t.like(await swarm.step({ limit: 2_000 }), { setAside: 1_100, setAsideKept: 1_000 });
    t.is(await redis.zcard(swarm.key('deadlines')), 0);
  });
});

test('a cleanup names malformed records, and removes the other coordinators', async (t) => {
  await withSwarm(server, async (swarm) => {
    const { swarmId, key } = swarm;
    for (const id of ['good', 'bad']) await (await swarm.join(id)).leave();
    await redis.set(key(`work:${swarmId}|bad`), 'text');
    const args = [0, 100, 'remove', 1, 60_000, 0];
    const report = (await swarm.call('clean-up', ...args)) as string[];
    t.deepEqual(Object.fromEntries([report.slice(0, 2), report.slice(2)]), {
      [`${swarmId}|good`]: 'removed',
      [`${swarmId}|bad`]: 'malformed',
    });
  });
});
