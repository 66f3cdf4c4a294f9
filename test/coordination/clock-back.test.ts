import { test } from '../harness/ava.ts';
import { shareRedis } from '../harness/start-redis.ts';
import { withSwarm } from '../harness/start-swarm.ts';

const server = await shareRedis();
test.after.always(() => server.stop());
const { redis } = server;

const HOUR_MS = 3_600_000;
const SETTINGS = { outageMs: 60_000, graceMs: 30_000 };

async function readNowMs(): Promise<number> {
  const [seconds = 0, micros = 0] = await redis.time();
  return seconds * 1_000 + Math.floor(micros / 1_000);
}

test('after a clock that was ahead, monitors are suspended for one grace period, and never for longer', async (t) => {
  await withSwarm(server, async (swarm) => {
    const nowMs = await readNowMs();
    await redis.hset(swarm.key('monitor'), { stepped_ms: nowMs, suspended_until_ms: nowMs + HOUR_MS });
    const { graceLeftMs } = await swarm.step(SETTINGS);
    t.true(graceLeftMs > 0 && graceLeftMs <= SETTINGS.graceMs, String(graceLeftMs));
  });
});

test('a step back of the clock counts as an outage of its own, reported until its grace period is over', async (t) => {
  await withSwarm(server, async (swarm) => {
    await swarm.step();
    await redis.hset(swarm.key('monitor'), 'stepped_ms', (await readNowMs()) + HOUR_MS);
    const first = await swarm.step(SETTINGS);
    t.like(first, { suspended: true, graceLeftMs: SETTINGS.graceMs });
    t.true(Math.abs(first.clockBackMs - HOUR_MS) < 60_000, String(first.clockBackMs));
    const second = await swarm.step(SETTINGS);
    t.like(second, { suspended: false, clockBackMs: first.clockBackMs });
    t.true(second.graceLeftMs <= SETTINGS.graceMs);
    await redis.hset(swarm.key('monitor'), 'suspended_until_ms', 0);
    t.like(await swarm.step(SETTINGS), { graceLeftMs: 0, clockBackMs: 0 });
  });
});

test('a deadline set while the clock was ahead expires after its own duration once the clock is right', async (t) => {
  await withSwarm(server, async (swarm) => {
    const { swarmId, key } = swarm;
    const late = { staleAfterMs: 10_000, deadAfterMs: 20_000 };
    await swarm.step();
    const ids = Array.from({ length: 7 }, (_, at) => `c${at}`);
    for (const id of ids) await swarm.join(id, late);
    const patient = await swarm.join('patient', { staleAfterMs: 2 * HOUR_MS });
    const { id } = await patient.sendSignal(['ben'], 'plan', { ackTimeoutMs: 5_000 });
    await swarm.call('start-wait', swarmId, 'patient', patient.life, 'w', id, 0, 5_000, 0);
    await patient.sendSignal(['ben'], 'plan', { id: 's', ackTimeoutMs: 5_000 });
    // Everything happened while the clock was an hour ahead, except for the patient one.
    const aheadMs = (await readNowMs()) + HOUR_MS;
    for (const each of ids) await redis.zadd(key('heartbeats'), aheadMs + 10_000, `${swarmId}|${each}`);
    for (const member of [`w|${swarmId}|w`, `s|${swarmId}|s|0`])
      await redis.zadd(key('deadlines'), aheadMs + 5_000, member);
    await redis.hset(key(`wait:${swarmId}|w`), 'started_micros', aheadMs * 1_000);
    await redis.hset(key(`signal:${swarmId}|s|0`), 'sent_micros', aheadMs * 1_000);
    await redis.hset(key('monitor'), 'stepped_ms', aheadMs);

    let steps = 0;
    while ((await swarm.step({ ...SETTINGS, limit: 3 })).more) t.true(++steps < 20);
    const nowMs = await readNowMs();
    const dueIn = async (name: string, member: string): Promise<number> =>
      Number(await redis.zscore(key(name), member)) - nowMs;
    for (const each of ids) t.true((await dueIn('heartbeats', `${swarmId}|${each}`)) <= 10_000, each);
    t.true((await dueIn('heartbeats', `${swarmId}|patient`)) > HOUR_MS, 'correct deadlines are unchanged');
    t.true((await dueIn('deadlines', `w|${swarmId}|w`)) <= 5_000);
    t.true((await dueIn('deadlines', `s|${swarmId}|s|0`)) <= 5_000);
    t.is(await redis.hget(key('monitor'), 'recheck'), '');
    t.is(await redis.hlen(key('set-aside')), 0);
  });
});
