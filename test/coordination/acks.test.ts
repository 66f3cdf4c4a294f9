import { test } from '../harness/ava.ts';
import { shareRedis } from '../harness/start-redis.ts';
import { takeSignals, withSwarm } from '../harness/start-swarm.ts';

const server = await shareRedis();
test.after.always(() => server.stop());

test('a repeated ACK is recorded once, even if the receiver restarts in between', async (t) => {
  await withSwarm(server, async (swarm) => {
    const [ada, first] = [await swarm.join('ada'), await swarm.join('ben')];
    await ada.sendSignal(['ben'], 'plan', { id: 'p' });
    const [signal] = await takeSignals(first, 1);
    if (!signal) return;
    const recorded = await first.acknowledgeSignal(signal);
    t.is(recorded.status, 'recorded');
    t.deepEqual(await first.acknowledgeSignal(signal), { ...recorded, status: 'repeated' });
    first.disconnect();
    const second = await swarm.join('ben');
    t.deepEqual(await second.acknowledgeSignal(signal), { ...recorded, status: 'repeated' });
    const events = await swarm.events('signal.acked');
    t.is(events.length, 1);
    t.like(events[0], { sender_id: 'ada', receiver_id: 'ben', signal_type: 'plan', signal_id: 'p' });
    t.is(Number(events[0]?.['latency_ms']), recorded.latencyMs ?? -1);
    t.is(
      await server.redis.xlen(swarm.key(`inbox:${swarm.swarmId}|ben`)),
      0,
      'the ACK also settles the signal',
    );
  });
});

test('the latency is the time between sending and ACK by the clock of Redis', async (t) => {
  await withSwarm(server, async (swarm) => {
    const [ada, ben] = [await swarm.join('ada'), await swarm.join('ben')];
    const sent = await ada.sendSignal(['ben'], 'plan');
    const [signal] = await takeSignals(ben, 1);
    if (!signal) return;
    const latencyMs = (await ben.acknowledgeSignal(signal)).latencyMs ?? -1;
    const entries = await server.redis.xrange(swarm.key('events'), '-', '+');
    const ackedMs = Number(entries.at(-1)?.[0].split('-')[0]);
    t.true(latencyMs >= 0);
    t.true(Math.abs(ackedMs - sent.sentMs - latencyMs) <= 1.001, `${ackedMs - sent.sentMs} and ${latencyMs}`);
  });
});

test('an ACK belongs to one signal and iteration: an old one never satisfies a new wait', async (t) => {
  await withSwarm(server, async (swarm) => {
    const [ada, ben] = [await swarm.join('ada'), await swarm.join('ben')];
    await ada.sendSignal(['ben'], 'plan', { id: 'p', iteration: 1 });
    const [old] = await takeSignals(ben, 1);
    if (!old) return;
    await ben.acknowledgeSignal(old);
    const next = await ada.sendSignal(['ben'], 'plan', { id: 'p', iteration: 2 });
    t.is((await ben.acknowledgeSignal(old)).status, 'repeated');
    t.like(await ada.waitForAcks(next, { timeoutMs: 50 }), {
      status: 'timeout',
      acked: [],
      missing: ['ben'],
    });
    const [signal] = await takeSignals(ben, 1);
    if (signal) t.is((await ben.acknowledgeSignal(signal)).status, 'recorded');
    t.like(await ada.waitForAcks(next, { timeoutMs: 5_000 }), { status: 'completed', acked: ['ben'] });
  });
});

test('an ACK from a coordinator that is not a receiver is refused, and so is an ACK for an unknown signal', async (t) => {
  await withSwarm(server, async (swarm) => {
    const [ada, ben, eve] = [await swarm.join('ada'), await swarm.join('ben'), await swarm.join('eve')];
    await ada.sendSignal(['ben'], 'plan', { id: 'p' });
    const [signal] = await takeSignals(ben, 1);
    if (!signal) return;
    const forged = { ...signal, receiverId: 'eve', entryId: '1-1' };
    t.deepEqual(await eve.acknowledgeSignal(forged), { status: 'not_receiver', latencyMs: undefined });
    const unknown = { ...signal, iteration: 9, entryId: '1-1' };
    t.deepEqual(await ben.acknowledgeSignal(unknown), { status: 'unknown', latencyMs: undefined });
    t.deepEqual(await swarm.events('signal.acked'), []);
    t.is((await ben.acknowledgeSignal(signal)).status, 'recorded');
  });
});

test('an ACK for a forgotten signal is answered as unknown, and settles the signal', async (t) => {
  await withSwarm(server, async (swarm) => {
    const [ada, ben] = [await swarm.join('ada'), await swarm.join('ben')];
    await ada.sendSignal(['ben'], 'plan', { id: 'p' });
    const [signal] = await takeSignals(ben, 1);
    await server.redis.del(swarm.key(`signal:${swarm.swarmId}|p|0`)); // as its expiry does
    if (signal) t.is((await ben.acknowledgeSignal(signal)).status, 'unknown');
    t.is(await server.redis.xlen(swarm.key(`inbox:${swarm.swarmId}|ben`)), 0);
    t.deepEqual(await swarm.events('signal.acked'), []);
  });
});

test('a signal settled without an ACK is not delivered again and does not count as acknowledged', async (t) => {
  await withSwarm(server, async (swarm) => {
    const [ada, ben] = [await swarm.join('ada'), await swarm.join('ben')];
    await ada.sendSignal(['ben'], 'plan', { id: '1' });
    await ada.sendSignal(['ben'], 'plan', { id: '2' });
    const [one] = await takeSignals(ben, 1);
    if (one) await ben.settleSignal(one);
    if (one) await ben.settleSignal(one);
    t.is((await takeSignals(ben, 1))[0]?.id, '2');
    t.deepEqual(await swarm.events('signal.acked'), []);
  });
});
