import { test } from '../harness/ava.ts';
import { startFaultProxy } from '../harness/fault-proxy.ts';
import { shareRedis } from '../harness/start-redis.ts';
import { takeSignals, withSwarm } from '../harness/start-swarm.ts';
import { waitUntil } from '../harness/wait-until.ts';

const server = await shareRedis();
test.after.always(() => server.stop());

test('lost replies change nothing: each operation is done once and returns the same result', async (t) => {
  const proxy = await startFaultProxy(server.port);
  try {
    await withSwarm(server, async (swarm) => {
      const url = `redis://127.0.0.1:${proxy.port}`;
      const [ada, ben] = [await swarm.join('ada', { url }), await swarm.join('ben', { url })];
      const cutting = async <T>(needle: string, operation: () => Promise<T>): Promise<T> => {
        const cut = proxy.cutAfterReply(needle);
        const result = operation();
        await cut;
        return result;
      };
      const sent = await cutting('send_signal', () => ada.sendSignal(['ben'], 'plan', { id: 'p' }));
      t.deepEqual([sent.receivers, sent.type], [['ben'], 'plan']);
      const [signal] = await cutting('\r\n>\r\n', () => takeSignals(ben, 1));
      t.is(signal?.id, 'p', 'the entries of a lost reply are delivered again');
      const timedOut = await cutting('start_wait', () => ada.waitForAcks(sent, { timeoutMs: 30 }));
      t.like(timedOut, { status: 'timeout', missing: ['ben'] });
      const cut = proxy.cutAfterReply('finish_wait');
      const again = ada.waitForAcks(sent, { timeoutMs: 20_000 });
      await cut; // before another trap is set
      const ack = signal && (await cutting('acknowledge_signal', () => ben.acknowledgeSignal(signal)));
      t.is(ack?.status, 'repeated');
      t.like(await again, { status: 'completed', acked: ['ben'] });
      await cutting('stop_coordinator', () => ben.leave('failed'));
      const count = async (type: string): Promise<number> => (await swarm.events(type)).length;
      t.is(await count('signal.sent'), 1);
      t.is(await count('signal.acked'), 1);
      t.is(await count('wait.started'), 2);
      t.is(await count('wait.finished'), 2);
      t.is(await count('timeout'), 2);
      t.is(await count('coordinator.stopped'), 1);
    });
  } finally {
    await proxy.stop();
  }
});

test('a wait whose reply was lost returns the same end when it is asked again', async (t) => {
  const proxy = await startFaultProxy(server.port);
  try {
    await withSwarm(server, async (swarm) => {
      const ada = await swarm.join('ada', { url: `redis://127.0.0.1:${proxy.port}` });
      const sent = await ada.sendSignal(['ben'], 'plan');
      const waiting = ada.waitForAcks(sent, { timeoutMs: 200 });
      await waitUntil('it waits', async () => (await swarm.events('wait.started')).length === 1);
      await proxy.cutAfterReply('$7\r\ntimeout\r\n');
      const result = await waiting;
      const [finished, ...more] = await swarm.events('wait.finished');
      t.is(more.length, 0);
      t.is(Number(finished?.['duration_ms']), result.durationMs);
      t.is(result.status, 'timeout');
    });
  } finally {
    await proxy.stop();
  }
});

test('a wait that a monitor ended returns the same end to its waiter', async (t) => {
  await withSwarm(server, async (swarm) => {
    const ada = await swarm.join('ada');
    const sent = await ada.sendSignal(['ben'], 'plan');
    const waiting = ada.waitForAcks(sent, { timeoutMs: 60_000 });
    await waitUntil('it waits', async () => (await swarm.events('wait.started')).length === 1);
    const [member = ''] = await server.redis.zrange(swarm.key('deadlines'), 0, 0);
    await server.redis.zadd(swarm.key('deadlines'), 1, member);
    t.is((await swarm.step()).waits, 1);
    t.like(await waiting, { status: 'timeout', missing: ['ben'] });
    t.is((await swarm.events('wait.finished')).length, 1);
  });
});

test('an ACK that arrives while the waiter is disconnected completes the wait once it is back', async (t) => {
  const proxy = await startFaultProxy(server.port);
  try {
    await withSwarm(server, async (swarm) => {
      const ada = await swarm.join('ada', { url: `redis://127.0.0.1:${proxy.port}` });
      const ben = await swarm.join('ben');
      const sent = await ada.sendSignal(['ben'], 'plan');
      const waiting = ada.waitForAcks(sent, { timeoutMs: 60_000 });
      const [signal] = await takeSignals(ben, 1);
      await proxy.cutBeforeSend('xread\r\n').catch(() => undefined);
      if (signal) await ben.acknowledgeSignal(signal);
      t.like(await waiting, { status: 'completed', acked: ['ben'] });
    });
  } finally {
    await proxy.stop();
  }
});

test('heartbeats continue after a cut connection, and an operation retries while Redis is down until its time is over', async (t) => {
  const proxy = await startFaultProxy(server.port);
  await withSwarm(server, async (swarm) => {
    const errors: Error[] = [];
    const url = `redis://127.0.0.1:${proxy.port}`;
    const observer = { disconnected: ({ error }: { error: Error }) => void errors.push(error) };
    const options = { url, callTimeoutMs: 300, observer, staleAfterMs: 60_000 };
    const ada = await swarm.join('ada', options);
    await ada.startHeartbeat({ intervalMs: 10 }).beating;
    const key = swarm.key(`coordinator:${swarm.swarmId}|ada`);
    await proxy.cutBeforeSend('streamfold_2_beat');
    const before = await server.redis.hget(key, 'beat_ms');
    await waitUntil('it beats again', async () => (await server.redis.hget(key, 'beat_ms')) !== before);
    await proxy.stop();
    await t.throwsAsync(ada.changePhase('x'));
    t.true(errors.length > 0);
    t.is((await swarm.events()).length, 1);
  });
});
