import { test, type ExecutionContext } from '../harness/ava.ts';
import { createPublisher } from '@streamfold/publisher';
import { createLoad } from '../harness/publish-load.ts';
import { copyFiles, keepReplica, type OlderState } from '../harness/older-state.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { nextPrefix, startRedis, type TestRedis } from '../harness/start-redis.ts';
import { appendFlat } from '../harness/append-events.ts';
import { generateEvents } from '../harness/generate-events.ts';
import { runStreamfold } from '../harness/run-streamfold.ts';
import { scrape } from '../harness/scrape.ts';
import { waitUntilFolded } from '../harness/wait-until-folded.ts';
import { checkVerified } from '../harness/check-verified.ts';
import { waitUntil } from '../harness/wait-until.ts';

const EVENTS = 1_000;

/** Two aggregators and a load, on their own Redis. */
async function setUp(t: ExecutionContext, server: TestRedis) {
  const installation = { redis: server.redis, prefix: nextPrefix() };
  const { prefix } = installation;
  const aggregators = await Promise.all([1, 2].map(() => startAggregator({ redisUrl: server.url, prefix })));
  for (const aggregator of aggregators) t.teardown(() => aggregator.stop());
  const urls = aggregators.map(({ url }) => url);
  const publisher = createPublisher({ url: server.url, prefix, maxBatchEvents: 20 });
  t.teardown(() => publisher.close());
  const load = createLoad({ publisher, url: server.url, prefix, seed: 7 });
  return {
    prefix,
    publish: async () => {
      await load.publish(EVENTS);
      await load.finish();
    },
    /** Every replica shows the fold of the stream, and verify agrees. */
    check: async (hint: string) => (await checkVerified(t, { ...installation, urls }, hint)).length,
    reconnected: async () => {
      await waitUntil('they reach Redis again', async () => {
        const ready = await Promise.all(
          aggregators.map(async ({ url }) => (await fetch(`${url}/readyz`)).ok),
        );
        return ready.every(Boolean);
      });
    },
  };
}

/** Goes back in the middle of a run, to a state that `keep` has saved. */
async function goBack(
  t: ExecutionContext,
  server: TestRedis,
  keep: (server: TestRedis) => Promise<OlderState>,
): Promise<void> {
  t.teardown(() => server.stop());
  const { publish, check, reconnected } = await setUp(t, server);
  await publish();
  const older = await check('before');
  const kept = await keep(server);
  t.teardown(() => kept.stop());
  await publish();
  t.true((await check('what will be lost')) > older);

  await kept.goBack();
  await reconnected();
  t.is(await check('after going back'), older);
  await publish();
  t.true((await check('after publishing again')) > older);
}

test('a Redis restarted with an older append-only file goes back as a whole, and replicas show its state', async (t) => {
  await goBack(t, await startRedis({ appendonly: true, appendfsync: 'always' }), copyFiles);
});

test('a Redis restarted with an older snapshot file goes back as a whole, and replicas show its state', async (t) => {
  await goBack(t, await startRedis(), copyFiles);
});

test('a Redis that takes the older state of a replica while all connections stay open goes back as a whole, and replicas show its state', async (t) => {
  await goBack(t, await startRedis(), keepReplica);
});

test('a Redis that has lost everything is filled again by the next events', async (t) => {
  const server = await startRedis();
  t.teardown(() => server.stop());
  const { publish, check } = await setUp(t, server);
  await publish();
  t.true((await check('before')) > 0);
  await server.redis.flushall();
  await publish();
  t.true((await check('after')) > 0);
});

test('a Redis that lost everything under an aggregator is reported by health, in the facts and by status, with the number of entries', async (t) => {
  const server = await startRedis();
  t.teardown(() => server.stop());
  const prefix = nextPrefix();
  const aggregator = await startAggregator({ redisUrl: server.url, prefix });
  t.teardown(() => aggregator.stop());
  await appendFlat(server.redis, { prefix }, [...generateEvents(50, { seed: 1 })]);
  await waitUntilFolded(server.redis, { prefix });
  await scrape(aggregator.url); // it shows them

  await server.redis.flushall();
  await waitUntil('health reports the loss', async () => {
    const health = (await (await fetch(`${aggregator.url}/prometheus/health`)).json()) as {
      status: string;
      reasons: { reason: string; detail?: string; shard?: number }[];
    };
    const lost = health.reasons.find(({ reason }) => reason === 'state_lost');
    return (
      health.status === 'degraded' &&
      lost?.shard === 0 &&
      /: 50 folded entries are gone/.test(lost.detail ?? '')
    );
  });
  t.like(
    aggregator.facts.find(({ type }) => type === 'state_lost'),
    { shard: 0, entries: 50, leftEntries: 0 },
  );
  await waitUntil('status reports the loss', async () => {
    const run = await runStreamfold(['status', '--redis', server.url, '--prefix', prefix]);
    return /state lost +Redis went back .*: 50 folded entries are gone with their counts, 0 left/.test(
      run.stdout,
    );
  });
  const { stdout } = await runStreamfold(['doctor', '--redis', server.url, '--prefix', prefix]);
  t.regex(stdout, /^warn +state loss +shard 0: Redis went back /m);
});

test('an aggregator that only folds reports a Redis that lost everything', async (t) => {
  const server = await startRedis();
  t.teardown(() => server.stop());
  const prefix = nextPrefix();
  const aggregator = await startAggregator({ redisUrl: server.url, prefix, role: 'fold' });
  t.teardown(() => aggregator.stop());
  await appendFlat(server.redis, { prefix }, [...generateEvents(50, { seed: 1 })]);
  await waitUntilFolded(server.redis, { prefix });
  await server.redis.flushall();
  await waitUntil('health reports the loss', async () =>
    /"state_lost","detail":"Redis no longer had the consumer group and the state/.test(
      await (await fetch(`${aggregator.url}/prometheus/health`)).text(),
    ),
  );
  t.pass();
});
