import { test } from '../harness/ava.ts';
import { joinSwarm, type ReceivedSignal } from '@streamfold/coordination';
import { createPublisher } from '@streamfold/publisher';
import { startFaultProxy } from '../harness/fault-proxy.ts';
import { openTestArchive } from '../harness/open-test-archive.ts';
import { readPublished } from '../harness/read-published.ts';
import { scrape } from '../harness/scrape.ts';
import { checkReplicasAgree } from '../harness/replicas-agree.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { withSwarm } from '../harness/start-swarm.ts';
import { waitUntil } from '../harness/wait-until.ts';
import { signalSent } from '../publisher/signal-sent.ts';

// A silent connection is open at both ends but no longer carries data: the host is gone, or a firewall has forgotten
// it. Nobody closes it.

const server = await shareRedis();
test.after.always(() => server.stop());

test('all connections of an aggregator recover by themselves after they fall silent', async (t) => {
  const prefix = nextPrefix();
  const proxy = await startFaultProxy(server.port);
  t.teardown(() => proxy.stop());
  const archive = await openTestArchive();
  t.teardown(() => archive.remove());
  const archiving = { archive, everyMs: 100, settleMs: 0, retentionMs: undefined };
  const aggregator = await startAggregator({ redisUrl: proxy.url, prefix, replyTimeoutMs: 1_000, archiving });
  t.teardown(() => aggregator.stop());
  const publisher = createPublisher({ url: server.url, prefix });
  t.teardown(() => publisher.close());
  const readSent = async (): Promise<string | undefined> =>
    (await scrape(aggregator.url)).get('signals_sent_total{swarm_id="s1",signal_type="completion"}');
  await publisher.append([signalSent(0), signalSent(1)]);
  await waitUntil('two are shown', async () => (await readSent()) === '2');

  proxy.silence();
  await publisher.append([signalSent(2), signalSent(3)]);
  const ada = await joinSwarm({
    url: server.url,
    prefix,
    swarmId: 's1',
    coordinatorId: 'ada',
    staleAfterMs: 50,
    deadAfterMs: 86_400_000,
  });
  t.teardown(() => ada.disconnect());

  // consumers and view
  await waitUntil('all four are shown', async () => (await readSent()) === '4');
  // control
  for (const path of ['/readyz', '/prometheus/health', '/prometheus/metrics']) {
    await waitUntil(`${path} is 200`, async () => (await fetch(`${aggregator.url}${path}`)).status === 200);
  }
  // monitor
  const stale = 'heartbeat_failures_total{coordinator_id="ada",failure_type="missing"}';
  await waitUntil('the stale one is found', async () => (await scrape(aggregator.url)).get(stale) === '1');
  // archive
  const last = (await server.redis.xrevrange(`${prefix}:{0}:events`, '+', '-', 'COUNT', 1))[0]?.[0];
  await waitUntil(
    'all is archived',
    async () => (await server.redis.hget(`${prefix}:{0}:archived`, 'last_id')) === last,
  );
  await checkReplicasAgree(t, { redis: server.redis, prefix }, [aggregator.url]);
});

test('a publisher whose connection falls silent again and again delivers each event once, in order', async (t) => {
  const prefix = nextPrefix();
  const proxy = await startFaultProxy(server.port);
  t.teardown(() => proxy.stop());
  const publisher = createPublisher({ url: proxy.url, prefix, replyTimeoutMs: 200 });
  t.teardown(() => publisher.close({ deadlineMs: 0 }));
  await publisher.append(signalSent(0));
  const numbers = [0];
  for (let round = 0; round < 3; round++) {
    proxy.silence();
    const batch = Array.from({ length: 50 }, (_, at) => numbers.length + at);
    for (const number of batch) t.is(publisher.publish(signalSent(number)).status, 'accepted');
    numbers.push(...batch);
    await publisher.flush();
  }
  const published = await readPublished(server.redis, { prefix });
  t.deepEqual(
    published.map((event) => Number(event['signal_id'])),
    numbers,
  );
});

test('a living coordinator whose connections fall silent is not declared dead, and keeps beating, receiving and waiting', async (t) => {
  const proxy = await startFaultProxy(server.port);
  t.teardown(() => proxy.stop());
  await withSwarm(server, async (swarm) => {
    let ended = 0;
    const ada = await swarm.join('ada', {
      url: proxy.url,
      staleAfterMs: 2_000,
      deadAfterMs: 60_000,
      observer: { ended: () => ended++ },
    });
    const bob = await swarm.join('bob');
    const received: ReceivedSignal[] = [];
    const stop = new AbortController();
    const receiving = (async () => {
      for await (const signal of ada.receiveSignals(stop.signal)) received.push(signal);
    })();
    await ada.startHeartbeat({ intervalMs: 100 }).beating;
    await bob.sendSignal(['ada'], 'completion', { id: 'before' });
    await waitUntil('ada receives', () => received.length === 1);
    const sent = await ada.sendSignal(['bob'], 'handoff', { id: 'question' });
    const waiting = ada.waitForAcks(sent, { timeoutMs: 60_000 });
    await waitUntil('ada waits', async () => (await swarm.events('wait.started')).length === 1);

    proxy.silence();
    await bob.sendSignal(['ada'], 'completion', { id: 'during' });
    for await (const signal of bob.receiveSignals()) {
      await bob.acknowledgeSignal(signal);
      break;
    }

    const readBeat = async (): Promise<string | null> =>
      server.redis.hget(swarm.key(`coordinator:${swarm.swarmId}|ada`), 'beat_ms');
    const before = await readBeat();
    await waitUntil('ada beats again', async () => (await readBeat()) !== before);
    await waitUntil('ada receives the signal that was sent meanwhile', () =>
      received.some(({ id }) => id === 'during'),
    );
    t.like(await waiting, { status: 'completed', acked: ['bob'] });
    await swarm.step();
    t.is(ended, 0);
    t.deepEqual(await swarm.events('timeout'), []);
    stop.abort();
    await receiving;
  });
});

/** Connections of that name on which Redis holds back its reply. */
async function countBlocked(name: string): Promise<number> {
  const clients = String(await server.redis.client('LIST')).split('\n');
  return clients.filter((line) => line.includes(name) && line.includes('flags=b')).length;
}

test('a signal sent by Redis into a connection that only the receiver has lost is still delivered', async (t) => {
  const proxy = await startFaultProxy(server.port);
  t.teardown(() => proxy.stop());
  await withSwarm(server, async (swarm) => {
    const zoe = await swarm.join('zoe', { url: proxy.url });
    const bob = await swarm.join('bob');
    const signals = zoe.receiveSignals();
    const next = signals.next();
    await waitUntil('zoe reads', async () => (await countBlocked('inbox-zoe')) === 1);
    proxy.cutClients();
    await waitUntil(
      'zoe reads again; Redis still has the first read, too',
      async () => (await countBlocked('inbox-zoe')) === 2,
    );
    await bob.sendSignal(['zoe'], 'completion', { id: 'for-the-first-reader' });
    const taken = await next;
    t.like(taken, { value: { id: 'for-the-first-reader' } });
    await signals.return(undefined);
  });
});
