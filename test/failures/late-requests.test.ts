import { test, type ExecutionContext } from '../harness/ava.ts';
import { createPublisher } from '@streamfold/publisher';
import { checkFoldedOnce, waitUntilAllFolded } from '../harness/check-folded-once.ts';
import { startFaultProxy } from '../harness/fault-proxy.ts';
import { createLoad } from '../harness/publish-load.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { waitUntil } from '../harness/wait-until.ts';

/** Only a commit names the key of the dead letters after that of the head. */
const COMMIT = /:head\r\n\$\d+\r\n\S+:dead\r\n/;
const ROUNDS = 5;
const EVENTS = 1_000;

const server = await shareRedis();
test.after.always(() => server.stop());

/** An aggregator behind a proxy that has folded a first load, so that Redis has the scripts. */
async function setUp(t: ExecutionContext, claimIdleMs: number) {
  const installation = { redis: server.redis, prefix: nextPrefix() };
  const { prefix } = installation;
  const proxy = await startFaultProxy(server.port);
  t.teardown(() => proxy.stop());
  const aggregator = await startAggregator({
    redisUrl: `redis://127.0.0.1:${proxy.port}`,
    prefix,
    claimIdleMs,
  });
  t.teardown(() => aggregator.stop());
  const publisher = createPublisher({ url: server.url, prefix, maxBatchEvents: 20 });
  t.teardown(() => publisher.close());
  const load = createLoad({ publisher, url: server.url, prefix, seed: 9 });
  await load.publish(EVENTS);
  await publisher.flush();
  await waitUntilAllFolded(installation);
  return { installation, proxy, aggregator, publisher, load };
}

test('a commit that arrives late, after its entries were folded over another connection, does nothing', async (t) => {
  const { installation, proxy, aggregator, publisher, load } = await setUp(t, 30_000);
  for (let round = 0; round < ROUNDS; round++) {
    const [deliverLate] = await Promise.all([proxy.keepBack(COMMIT), load.publish(EVENTS)]);
    await publisher.flush();
    await waitUntilAllFolded(installation);
    await deliverLate();
  }
  await load.finish();
  await checkFoldedOnce(t, { ...installation, load, urls: [aggregator.url] });
});

test('entries delivered to a late read that nobody waits for are folded once', async (t) => {
  const { installation, proxy, aggregator, publisher, load } = await setUp(t, 200);
  const deliverLate = await proxy.keepBack('\r\n>\r\n');
  // Events published meanwhile go to any reader; sooner or later to the late read.
  await waitUntil('the late read has received entries', async () => {
    const late = deliverLate();
    await load.publish(EVENTS);
    await publisher.flush();
    return (await late).startsWith('*1\r\n');
  });
  await load.finish();
  await checkFoldedOnce(t, { ...installation, load, urls: [aggregator.url] });
});
