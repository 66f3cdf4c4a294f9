import { test } from '../harness/ava.ts';
import { appendFlat } from '../harness/append-events.ts';
import { compareSamples } from '../harness/compare-samples.ts';
import { startFaultProxy } from '../harness/fault-proxy.ts';
import { generateEvents } from '../harness/generate-events.ts';
import { foldReference } from '../harness/reference-fold.ts';
import { scrape, withoutAges } from '../harness/scrape.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { waitUntilFolded } from '../harness/wait-until-folded.ts';

/** In each direction: a reply takes longer than the claim time. */
const DELAY_MS = 75;

const server = await shareRedis();
test.after.always(() => server.stop());

test('aggregators do not take entries from each other because Redis is slower than the claim time', async (t) => {
  const proxy = await startFaultProxy(server.port);
  t.teardown(() => proxy.stop());
  const prefix = nextPrefix();
  const options = { redisUrl: proxy.url, prefix, claimIdleMs: 100, batchEntries: 20 };
  const aggregators = await Promise.all([startAggregator(options), startAggregator(options)]);
  for (const each of aggregators) t.teardown(each.stop);
  proxy.delay(DELAY_MS);
  const events = [...generateEvents(300, { seed: 5 })];
  await appendFlat(server.redis, { prefix }, events);
  await waitUntilFolded(server.redis, { prefix });
  const expected = foldReference(events.map((fields) => ({ fields })));
  for (const { url } of aggregators)
    t.deepEqual(compareSamples(withoutAges(await scrape(url)), expected), []);
  const count = (type: string) =>
    aggregators.flatMap(({ facts }) => facts).filter((fact) => fact.type === type).length;
  t.true(count('batch_contested') <= count('batch_committed') / 10);
});
