import { test } from '../harness/ava.ts';
import { appendFlat } from '../harness/append-events.ts';
import { compareSamples } from '../harness/compare-samples.ts';
import { generateEvents, type WireEvent } from '../harness/generate-events.ts';
import { foldReference } from '../harness/reference-fold.ts';
import { scrape, withoutAges } from '../harness/scrape.ts';
import { startAggregator, type TestAggregator } from '../harness/start-aggregator.ts';
import { startRedis, type TestRedis } from '../harness/start-redis.ts';
import { waitUntilFolded } from '../harness/wait-until-folded.ts';
import { waitUntil } from '../harness/wait-until.ts';

const prefix = 'streamfold';

async function statusOf({ url }: TestAggregator, path: string): Promise<number> {
  return (await fetch(url + path)).status;
}

async function showsAllOf(aggregator: TestAggregator, events: readonly WireEvent[]): Promise<string[]> {
  const reference = foldReference(events.map((fields) => ({ fields })));
  return compareSamples(withoutAges(await scrape(aggregator.url)), reference);
}

async function restart(server: TestRedis): Promise<void> {
  await server.restart();
  await waitUntil('the test to reach Redis again', () => server.redis.status === 'ready');
}

test('while Redis is away a scrape is 503 with one comment line, and it recovers by itself', async (t) => {
  const server = await startRedis({ appendonly: true, appendfsync: 'always' });
  t.teardown(server.stop);
  const aggregator = await startAggregator({ redisUrl: server.url });
  t.teardown(aggregator.stop);
  const events = [...generateEvents(200, { seed: 1 })];
  await appendFlat(server.redis, { prefix }, events);
  await waitUntilFolded(server.redis, { prefix });
  t.deepEqual(await showsAllOf(aggregator, events), []);

  await server.kill('SIGKILL');
  const response = await fetch(`${aggregator.url}/prometheus/metrics`);
  t.is(response.status, 503);
  t.regex(await response.text(), /^# [^\n]+\n$/);
  t.is(await statusOf(aggregator, '/livez'), 200);
  t.is(await statusOf(aggregator, '/readyz'), 503);
  t.is(await statusOf(aggregator, '/metrics'), 200);
  const health = await fetch(`${aggregator.url}/prometheus/health`);
  t.is(health.status, 503);
  const { status, redis, lag_entries, lag_seconds, pending } = (await health.json()) as Record<
    string,
    unknown
  >;
  t.deepEqual(
    [status, redis, lag_entries, lag_seconds, pending],
    ['unhealthy', 'unreachable', null, null, null],
  );

  await restart(server);
  await waitUntil('it to be ready again', async () => (await statusOf(aggregator, '/readyz')) === 200);
  t.deepEqual(await showsAllOf(aggregator, events), []);
});

test('an aggregator that starts before Redis is alive, not ready, and begins once Redis is up', async (t) => {
  const server = await startRedis({ appendonly: true, appendfsync: 'always' });
  t.teardown(server.stop);
  const events = [...generateEvents(50, { seed: 2 })];
  await appendFlat(server.redis, { prefix }, events);
  await server.kill('SIGTERM');
  const aggregator = await startAggregator({ redisUrl: server.url });
  t.teardown(aggregator.stop);
  t.is(await statusOf(aggregator, '/livez'), 200);
  t.is(await statusOf(aggregator, '/readyz'), 503);
  t.is(await statusOf(aggregator, '/prometheus/metrics'), 503);
  t.is(await statusOf(aggregator, '/prometheus/health'), 503);
  await restart(server);
  await waitUntilFolded(server.redis, { prefix });
  t.deepEqual(await showsAllOf(aggregator, events), []);
});

test('no event is lost or counted twice if connections are killed again and again', async (t) => {
  const server = await startRedis();
  t.teardown(server.stop);
  const options = { redisUrl: server.url, claimIdleMs: 200, batchEntries: 10 };
  const aggregators = await Promise.all([startAggregator(options), startAggregator(options)]);
  for (const each of aggregators) t.teardown(each.stop);
  const events = [...generateEvents(2_000, { seed: 3, bad: true })];
  for (let from = 0; from < events.length; from += 200) {
    await appendFlat(server.redis, { prefix }, events.slice(from, from + 200));
    await server.redis.client('KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  }
  await waitUntilFolded(server.redis, { prefix });
  for (const each of aggregators) {
    t.deepEqual(await showsAllOf(each, events), []);
  }
});

test('no event is lost or counted twice if Redis restarts in the middle of folding', async (t) => {
  const server = await startRedis({ appendonly: true, appendfsync: 'always' });
  t.teardown(server.stop);
  const options = { redisUrl: server.url, claimIdleMs: 200, batchEntries: 10 };
  const aggregators = await Promise.all([startAggregator(options), startAggregator(options)]);
  for (const each of aggregators) t.teardown(each.stop);
  const events = [...generateEvents(1_500, { seed: 4, bad: true })];
  for (let from = 0; from < events.length; from += 500) {
    await appendFlat(server.redis, { prefix }, events.slice(from, from + 500));
    await server.kill('SIGTERM');
    await restart(server);
  }
  await waitUntilFolded(server.redis, { prefix }).catch(async (cause: unknown) => {
    const groups = await server.redis.call('XINFO', 'STREAM', `${prefix}:{0}:events`, 'FULL', 'COUNT', '2');
    const facts = aggregators.map((each) => each.facts.slice(-5));
    throw new Error(`the last facts ${JSON.stringify(facts)}; the stream ${JSON.stringify(groups)}`, {
      cause,
    });
  });
  for (const each of aggregators) {
    t.deepEqual(await showsAllOf(each, events), []);
  }
});
