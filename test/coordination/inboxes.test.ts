import { test } from '../harness/ava.ts';
import { cleanUp, CoordinationError, readNearBound } from '@streamfold/coordination';
import { shareRedis } from '../harness/start-redis.ts';
import { takeSignals, withSwarm, type TestSwarm } from '../harness/start-swarm.ts';
import { waitUntil } from '../harness/wait-until.ts';

const server = await shareRedis();
test.after.always(() => server.stop());

const HOUR_MS = 3_600_000;
const FULL = { instanceOf: CoordinationError, message: /^inbox_full: expected room .* of ben$/ };

const inboxOf = (swarm: TestSwarm, id: string): string => swarm.key(`inbox:${swarm.swarmId}|${id}`);

/** Puts signals into an inbox that expire at this time. */
async function fill(inbox: string, count: number, fields: readonly string[]): Promise<void> {
  const pipeline = server.redis.pipeline();
  for (let at = 0; at < count; at++) pipeline.xadd(inbox, '*', ...fields);
  await pipeline.exec();
}

function near(swarm: TestSwarm): ReturnType<typeof readNearBound> {
  return readNearBound(server.redis, { prefix: swarm.prefix, shard: 0 });
}

test('an inbox holds 10,000 signals: one more is refused to its sender and delivered to nobody', async (t) => {
  await withSwarm(server, async (swarm) => {
    const [ada, ben] = [await swarm.join('ada'), await swarm.join('ben')];
    await fill(inboxOf(swarm, 'ben'), 9_999, ['expires_ms', `${Date.now() + HOUR_MS}`]);
    await ada.sendSignal(['ben'], 'plan', { id: 'last' });
    const before = await server.redis.keys(`${swarm.prefix}:*`);
    await t.throwsAsync(ada.sendSignal(['ben', 'cyd'], 'plan', { id: 'more' }), FULL);
    // As a program of the earlier version calls it, which expects an error.
    const args = [swarm.swarmId, 'ada', ada.life, 'more', 0, 'plan', '', 0, 60_000, ''] as const;
    const refused = { message: /^STREAMFOLD receivers: expected room in each inbox; full are those of ben/ };
    await t.throwsAsync(swarm.call('send-signal', ...args, 'ben', ''), refused);
    t.deepEqual((await server.redis.keys(`${swarm.prefix}:*`)).toSorted(), before.toSorted());
    t.is((await swarm.events('signal.sent')).length, 1);
    const [signal] = await takeSignals(ben, 1);
    if (signal) await ben.settleSignal(signal);
    t.false((await ada.sendSignal(['ben'], 'plan', { id: 'more' })).repeated);
  });
});

test('signals past their retention make room in a full inbox', async (t) => {
  await withSwarm(server, async (swarm) => {
    const [ada, ben] = [await swarm.join('ada'), await swarm.join('ben')];
    const overdue = ['expires_ms', `${Date.now() - 1}`];
    await fill(inboxOf(swarm, 'ben'), 3, overdue);
    await takeSignals(ben, 1); // now all of them are delivered and pending
    await fill(inboxOf(swarm, 'ben'), 9_997, ['expires_ms', `${Date.now() + HOUR_MS}`]);
    await ada.sendSignal(['ben'], 'plan');
    t.is(await server.redis.xlen(inboxOf(swarm, 'ben')), 9_998);
    const [group] = (await server.redis.xinfo('GROUPS', inboxOf(swarm, 'ben'))) as unknown[][];
    t.is(group?.[group.indexOf('pending') + 1], 0);
  });
});

test('an inbox holds 64 MiB and at most 15 more small signals', async (t) => {
  await withSwarm(server, async (swarm) => {
    const ada = await swarm.join('ada');
    await fill(inboxOf(swarm, 'ben'), 64, ['payload', 'x'.repeat(1024 * 1024)]);
    await t.throwsAsync(ada.sendSignal(['ben'], 'plan'), FULL);
    t.like(
      await near(swarm),
      { inboxes: 0 },
      'only deliveries are counted, and none was made when the inbox was nearly full',
    );
    await fill(inboxOf(swarm, 'ben'), 1, ['payload', 'x']);
    await t.throwsAsync(ada.sendSignal(['ben'], 'plan', { payload: 'x'.repeat(5_000) }), FULL);
    for (let more = 0; more < 15; more++) await ada.sendSignal(['ben'], 'plan');
    await t.throwsAsync(ada.sendSignal(['ben'], 'plan'), FULL);
  });
});

test('a nearly full inbox is reported until it has room again', async (t) => {
  await withSwarm(server, async (swarm) => {
    const ada = await swarm.join('ada');
    t.deepEqual(await near(swarm), { inboxes: 0, fullest: '', percent: 0 });
    await fill(inboxOf(swarm, 'ben'), 7_999, ['expires_ms', `${Date.now() + HOUR_MS}`]);
    await ada.sendSignal(['ben'], 'plan');
    t.is((await near(swarm)).inboxes, 0);
    await ada.sendSignal(['ben'], 'plan');
    t.deepEqual(await near(swarm), { inboxes: 1, fullest: `inbox:${swarm.swarmId}|ben`, percent: 80 });
    await server.redis.xtrim(inboxOf(swarm, 'ben'), 'MAXLEN', 10);
    t.is((await near(swarm)).inboxes, 0);
    t.is(await server.redis.exists(swarm.key('near-bound')), 0);
  });
});

/** An expiry that is slightly shorter than when it was set. An inbox may outlive its signals by a minute. */
function isNear(ms: number, setMs: number): boolean {
  return ms <= setMs + 60_000 && ms > setMs - 30_000;
}

test('a signal to a coordinator that never joined, or has ended, expires after the longest retention', async (t) => {
  await withSwarm(server, async (swarm) => {
    const [ada, ben] = [await swarm.join('ada'), await swarm.join('ben')];
    const leftMs = (id: string): Promise<number> => server.redis.pttl(inboxOf(swarm, id));
    await ada.sendSignal(['mistyped'], 'plan', { retentionMs: HOUR_MS });
    t.true(isNear(await leftMs('mistyped'), HOUR_MS));
    await ada.sendSignal(['mistyped', 'ben'], 'plan', { retentionMs: 3 * HOUR_MS });
    await ada.sendSignal(['mistyped', 'ben'], 'plan', { retentionMs: 2 * HOUR_MS });
    t.true(isNear(await leftMs('mistyped'), 3 * HOUR_MS));
    t.is(await leftMs('ben'), -1, 'the inbox of a live coordinator is kept');
    await ben.leave();
    t.true(isNear(await leftMs('ben'), 3 * HOUR_MS));
    await ada.sendSignal(['ben'], 'plan', { retentionMs: 4 * HOUR_MS });
    t.true(isNear(await leftMs('ben'), 4 * HOUR_MS));
    const again = await swarm.join('ben');
    t.true((await leftMs('ben')) > 10_000 * HOUR_MS, 'a new life keeps the inbox');
    t.is((await takeSignals(again, 3)).length, 3);
    await swarm.call('stop-coordinator', swarm.swarmId, 'ben', again.life, 'failed');
    t.true(isNear(await leftMs('ben'), 4 * HOUR_MS));
    await ada.takeOver('ben');
    await swarm.call('stop-coordinator', swarm.swarmId, 'ada', ada.life, 'failed');
    t.true(isNear(await leftMs('ada'), 4 * HOUR_MS), 'a successor keeps the signals for the same time');
  });
});

test('after a cleanup no key of a coordinator reappears: neither its bell nor its inbox', async (t) => {
  await withSwarm(server, async (swarm) => {
    const [ada, ben] = [await swarm.join('ada'), await swarm.join('ben')];
    await ada.sendSignal(['ben'], 'plan');
    const [signal] = await takeSignals(ben, 1);
    await swarm.call('stop-coordinator', swarm.swarmId, 'ada', ada.life, 'failed');
    const options = { endedForMs: 0, dryRun: false };
    for await (const { verdict } of cleanUp(server.redis, { prefix: swarm.prefix, shard: 0 }, options)) {
      t.is(verdict, 'removed');
    }
    if (signal) t.is((await ben.acknowledgeSignal(signal)).status, 'recorded');
    t.deepEqual(await server.redis.keys(`${swarm.prefix}:*|ada`), []);
  });
});

test('a signal is forgotten at the end of its retention, once nobody waits for its ACKs', async (t) => {
  await withSwarm(server, async (swarm) => {
    const [ada, ben] = [await swarm.join('ada'), await swarm.join('ben')];
    const leftMs = (id: string): Promise<number> =>
      server.redis.pttl(swarm.key(`signal:${swarm.swarmId}|${id}|0`));
    const options = { retentionMs: 60_000 };
    const sent = await ada.sendSignal(['ben'], 'plan', { id: 'acked', ackTimeoutMs: 1_000, ...options });
    t.true(
      (await leftMs('acked')) > 60_000,
      'the signal is kept longer than its retention, because a monitor may be late',
    );
    for (const signal of await takeSignals(ben, 1)) await ben.acknowledgeSignal(signal);
    t.true((await leftMs('acked')) <= 60_000);
    t.is((await ada.waitForAcks(sent, { timeoutMs: 600_000 })).status, 'completed');
    t.true((await leftMs('acked')) <= 60_000);
    const missed = await ada.sendSignal(['cyd'], 'plan', { id: 'missed', ...options });
    const abort = new AbortController();
    const long = ada.waitForAcks(missed, { timeoutMs: 600_000, signal: abort.signal });
    await waitUntil('it waits', async () => (await swarm.events('wait.started')).length === 2);
    await ada.waitForAcks(missed, { timeoutMs: 1 });
    t.true((await leftMs('missed')) > 600_000, 'the other wait is open');
    abort.abort();
    await long;
    t.true((await leftMs('missed')) <= 60_000);
    await ada.sendSignal(['cyd'], 'plan', { id: 'overdue', ackTimeoutMs: 1, ...options });
    await waitUntil('it is overdue', async () => (await swarm.step()).signals === 1);
    t.true((await leftMs('overdue')) <= 60_000);
  });
});

test('one call copies at most 32 MiB: a large payload for many receivers is refused', async (t) => {
  await withSwarm(server, async (swarm) => {
    const ada = await swarm.join('ada', { keys: [{ id: 'k1', secret: 'a-secret-of-enough-characters' }] });
    const payload = 'x'.repeat(1024 * 1024);
    const receivers = Array.from({ length: 33 }, (_, at) => `r${at}`);
    const message =
      /payload: expected at most 33554432 bytes for all receivers; got 1048576 for each of 33: send/;
    await t.throwsAsync(ada.sendSignal(receivers, 'plan', { payload }), { message });
    const args = [swarm.swarmId, 'ada', ada.life, 'p', 0, 'plan', payload, 0, 60_000, ''] as const;
    const pairs = receivers.flatMap((receiver) => [receiver, '']);
    await t.throwsAsync(swarm.call('send-signal', ...args, ...pairs), { message });
    t.deepEqual(await server.redis.keys(`${swarm.prefix}:*inbox:*`), [inboxOf(swarm, 'ada')]);
    t.is((await ada.sendSignal(receivers.slice(1), 'plan', { payload })).receivers.length, 32);
  });
});
