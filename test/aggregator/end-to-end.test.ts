import { test } from '../harness/ava.ts';
import { appendFlat, appendTogether, eventsKey, inPieces } from '../harness/append-events.ts';
import { compareSamples } from '../harness/compare-samples.ts';
import { generateEvents } from '../harness/generate-events.ts';
import { foldReference } from '../harness/reference-fold.ts';
import { scrape, withoutAges } from '../harness/scrape.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { waitUntilFolded } from '../harness/wait-until-folded.ts';

const { redis, url: redisUrl, stop } = await shareRedis();
test.after.always(stop);

/** Publishes events of all types, one in a hundred bad, half of them flat and half of them in batches. */
async function publish(prefix: string, seed: number): Promise<{ fields: Record<string, string> }[]> {
  const flat = [...generateEvents(2_000, { seed, bad: true })];
  const together = [...generateEvents(4_000, { seed: seed + 1, bad: true })];
  await appendFlat(redis, { prefix }, flat);
  for (const piece of inPieces(together, 150)) await appendTogether(redis, { prefix }, piece);
  return [...flat, ...together].map((fields) => ({ fields }));
}

test('the metrics equal a fold of the published events one by one in stream order', async (t) => {
  const prefix = nextPrefix();
  const aggregator = await startAggregator({ redisUrl, prefix, batchEntries: 37 });
  t.teardown(aggregator.stop);
  const published = await publish(prefix, 1);
  await waitUntilFolded(redis, { prefix });
  const samples = withoutAges(await scrape(aggregator.url));
  t.deepEqual(compareSamples(samples, foldReference(published)), []);
  t.true(samples.size > 100);
});

test('two aggregators of one group show the same metrics, and each has folded a part', async (t) => {
  const prefix = nextPrefix();
  const options = { redisUrl, prefix, batchEntries: 5 };
  const aggregators = await Promise.all([startAggregator(options), startAggregator(options)]);
  for (const each of aggregators) t.teardown(each.stop);
  const published = await publish(prefix, 2);
  await waitUntilFolded(redis, { prefix });
  const reference = foldReference(published);
  for (const { url, facts } of aggregators) {
    t.deepEqual(compareSamples(withoutAges(await scrape(url)), reference), []);
    t.true(facts.some(({ type }) => type === 'batch_committed'));
  }
});

test('an aggregator that only serves shows the entries folded by one that only folds', async (t) => {
  const prefix = nextPrefix();
  const [folds, serves] = await Promise.all([
    startAggregator({ redisUrl, prefix, role: 'fold' }),
    startAggregator({ redisUrl, prefix, role: 'serve' }),
  ]);
  for (const each of [folds, serves]) t.teardown(each.stop);
  const published = await publish(prefix, 3);
  await waitUntilFolded(redis, { prefix });
  t.deepEqual(compareSamples(withoutAges(await scrape(serves.url)), foldReference(published)), []);
  t.false(serves.facts.some(({ type }) => type === 'batch_committed'));
  t.false(folds.facts.some(({ type }) => type === 'view_loaded'));
  const refused = await fetch(`${folds.url}/prometheus/metrics`);
  t.is(refused.status, 503);
  t.is(await refused.text(), '# this aggregator only folds; scrape one that serves\n');
  t.is((await fetch(`${folds.url}/readyz`)).status, 200);
});

test('events published before the first aggregator ran are folded', async (t) => {
  const prefix = nextPrefix();
  const published = await publish(prefix, 4);
  const aggregator = await startAggregator({ redisUrl, prefix });
  t.teardown(aggregator.stop);
  await waitUntilFolded(redis, { prefix });
  t.deepEqual(compareSamples(withoutAges(await scrape(aggregator.url)), foldReference(published)), []);
});

test('an event appended by redis-cli shows in the next scrape once it is folded', async (t) => {
  const prefix = nextPrefix();
  const aggregator = await startAggregator({ redisUrl, prefix });
  t.teardown(aggregator.stop);
  const command =
    'type signal.acked swarm_id s1 sender_id a receiver_id b signal_type completion latency_ms 12.5';
  await redis.xadd(eventsKey({ prefix }), '*', ...command.split(' '));
  await waitUntilFolded(redis, { prefix });
  const samples = await scrape(aggregator.url);
  const labels = 'sender_id="a",receiver_id="b",signal_type="completion"';
  t.is(samples.get(`signal_delivery_latency_seconds_bucket{${labels},le="0.01"}`), '0');
  t.is(samples.get(`signal_delivery_latency_seconds_bucket{${labels},le="0.05"}`), '1');
  t.is(samples.get(`signal_delivery_latency_seconds_bucket{${labels},le="+Inf"}`), '1');
  t.is(samples.get(`signal_delivery_latency_seconds_sum{${labels}}`), '0.0125');
  t.is(samples.get(`signal_delivery_latency_seconds_count{${labels}}`), '1');
});

test('the age of the oldest open wait is measured by the clock of Redis, and is 0 if no wait is open', async (t) => {
  const prefix = nextPrefix();
  const aggregator = await startAggregator({ redisUrl, prefix });
  t.teardown(aggregator.stop);
  const wait = { swarm_id: 's1', coordinator_id: 'c1', wait_id: 'w1' };
  const [id = ''] = await appendFlat(redis, { prefix }, [{ type: 'wait.started', ...wait }]);
  await waitUntilFolded(redis, { prefix });
  const [seconds] = await redis.time();
  const age = Number((await scrape(aggregator.url)).get('blocking_oldest_wait_seconds{swarm_id="s1"}'));
  t.true(age >= Math.max(0, Number(seconds) - Math.ceil(Number(id.split('-')[0]) / 1_000)));
  t.true(age < 60);
  const duration = { status: 'completed', duration_ms: '5' };
  await appendFlat(redis, { prefix }, [{ type: 'wait.finished', ...wait, ...duration }]);
  await waitUntilFolded(redis, { prefix });
  t.is((await scrape(aggregator.url)).get('blocking_oldest_wait_seconds{swarm_id="s1"}'), '0');
});
