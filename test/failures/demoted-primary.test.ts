import { test } from '../harness/ava.ts';
import type { ReceivedSignal } from '@streamfold/coordination';
import { createPublisher } from '@streamfold/publisher';
import { startFaultProxy } from '../harness/fault-proxy.ts';
import { scrape } from '../harness/scrape.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { nextPrefix, startRedis } from '../harness/start-redis.ts';
import { startSwarm } from '../harness/start-swarm.ts';
import { waitUntil } from '../harness/wait-until.ts';
import { signalSent } from '../publisher/signal-sent.ts';

test('every client leaves a primary that becomes a replica and keeps its connections, and follows the new one', async (t) => {
  const [old, next] = await Promise.all([startRedis(), startRedis()]);
  t.teardown(async () => void (await Promise.all([old.stop(), next.stop()])));
  await next.redis.replicaof('127.0.0.1', old.port);
  const proxy = await startFaultProxy(old.port); // the address that leads to the primary
  t.teardown(() => proxy.stop());
  const prefix = nextPrefix();
  const aggregator = await startAggregator({ redisUrl: proxy.url, prefix });
  t.teardown(() => aggregator.stop());
  const publisher = createPublisher({ url: proxy.url, prefix, observer: {} });
  t.teardown(() => publisher.close({ deadlineMs: 0 }));
  const swarm = startSwarm({ ...old, url: proxy.url }, prefix);
  t.teardown(() => swarm.disconnect());
  const ada = await swarm.join('ada');
  const bob = await swarm.join('bob');
  const received: ReceivedSignal[] = [];
  const stop = new AbortController();
  const receiving = (async () => {
    for await (const signal of ada.receiveSignals(stop.signal)) received.push(signal);
  })();
  await publisher.append(signalSent(0));
  await bob.sendSignal(['ada'], 'completion', { id: 'before' });
  await waitUntil('ada receives', () => received.length === 1);
  await waitUntil('the replica follows', async () =>
    (await next.redis.info('replication')).includes('master_link_status:up'),
  );
  await waitUntil('the replica has all', async () => {
    const length = await old.redis.xlen(`${prefix}:{0}:events`);
    return (await next.redis.xlen(`${prefix}:{0}:events`)) === length;
  });

  await next.redis.replicaof('NO', 'ONE');
  proxy.leadTo(next.port);
  await old.redis.replicaof('127.0.0.1', next.port);

  await publisher.append(signalSent(1));
  await bob.sendSignal(['ada'], 'completion', { id: 'after' });
  await waitUntil('ada receives from the new primary', () => received.some(({ id }) => id === 'after'));
  const sent = 'signals_sent_total{swarm_id="s1",signal_type="completion"}';
  await waitUntil('all is folded', async () => (await scrape(aggregator.url)).get(sent) === '2');
  stop.abort();
  await receiving; // it rejects if the life of ada had ended
  t.pass();
});
