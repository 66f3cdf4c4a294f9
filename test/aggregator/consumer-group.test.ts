import { test } from '../harness/ava.ts';
import { appendFlat, eventsKey } from '../harness/append-events.ts';
import { compareSamples } from '../harness/compare-samples.ts';
import { generateEvents } from '../harness/generate-events.ts';
import { foldReference } from '../harness/reference-fold.ts';
import { scrape, withoutAges } from '../harness/scrape.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { waitForGeneration, waitUntilFolded } from '../harness/wait-until-folded.ts';
import { waitUntil } from '../harness/wait-until.ts';

const { redis, url: redisUrl, stop } = await shareRedis();
test.after.always(stop);

const events = [...generateEvents(900, { seed: 1, bad: true })];
const reference = foldReference(events.map((fields) => ({ fields })));

test('a consumer group that somebody destroyed is restored, and no folded entry is folded again', async (t) => {
  const prefix = nextPrefix();
  const aggregators = await Promise.all(
    [1, 2].map(() => startAggregator({ redisUrl, prefix, batchEntries: 50 })),
  );
  for (const each of aggregators) t.teardown(each.stop);
  await appendFlat(redis, { prefix }, events.slice(0, 500));
  await waitUntilFolded(redis, { prefix });
  const { shardKeys, keys } = await waitForGeneration(redis, prefix);

  await redis.xgroup('DESTROY', shardKeys.events, keys.group);
  await appendFlat(redis, { prefix }, events.slice(500));
  await waitUntilFolded(redis, { prefix });
  for (const { url } of aggregators) {
    t.deepEqual(compareSamples(withoutAges(await scrape(url)), reference), []);
  }
  const restored = aggregators.flatMap(({ facts }) => facts.filter(({ type }) => type === 'group_restored'));
  t.true(restored.length >= 1);
  await waitUntil('health to be good again', async () =>
    (await Promise.all(aggregators.map(({ url }) => fetch(`${url}/readyz`)))).every(({ ok }) => ok),
  );
});

test('a consumer group that was destroyed while no aggregator ran is restored by the next one', async (t) => {
  const prefix = nextPrefix();
  const first = await startAggregator({ redisUrl, prefix });
  await appendFlat(redis, { prefix }, events.slice(0, 500));
  await waitUntilFolded(redis, { prefix });
  await first.stop();
  const { shardKeys, keys } = await waitForGeneration(redis, prefix);
  await redis.xgroup('DESTROY', shardKeys.events, keys.group);
  await appendFlat(redis, { prefix }, events.slice(500));

  const next = await startAggregator({ redisUrl, prefix });
  t.teardown(next.stop);
  await waitUntilFolded(redis, { prefix });
  t.deepEqual(compareSamples(withoutAges(await scrape(next.url)), reference), []);
});

test('a stream that somebody deleted starts again, and its counts stay in the metrics', async (t) => {
  const prefix = nextPrefix();
  const aggregator = await startAggregator({ redisUrl, prefix });
  t.teardown(aggregator.stop);
  await appendFlat(redis, { prefix }, events.slice(0, 500));
  await waitUntilFolded(redis, { prefix });
  await redis.del(eventsKey({ prefix }));
  await appendFlat(redis, { prefix }, events.slice(500));
  await waitUntilFolded(redis, { prefix });
  t.deepEqual(compareSamples(withoutAges(await scrape(aggregator.url)), reference), []);
});
