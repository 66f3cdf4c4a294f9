import { DEFAULT_DEFINITIONS, encodeCatalogue } from '@streamfold/core';
import { generationKeys, generationsKey } from '@streamfold/redis';
import { compareSamples } from '../harness/compare-samples.ts';
import { appendFlat } from '../harness/append-events.ts';
import { test } from '../harness/ava.ts';
import { generateEvents } from '../harness/generate-events.ts';
import { foldReference } from '../harness/reference-fold.ts';
import { scrape, withoutAges } from '../harness/scrape.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { nextPrefix, startRedis } from '../harness/start-redis.ts';
import { waitForGeneration, waitUntilFolded } from '../harness/wait-until-folded.ts';

const { redis, url: redisUrl, stop } = await startRedis();
test.after.always(stop);

const events = [...generateEvents(300, { seed: 4 })];
const reference = foldReference(events.map((fields) => ({ fields })));

/** First bytes of the deltas that an aggregator has appended. */
async function listFirstBytes(prefix: string, generation: { readonly id: string }): Promise<number[]> {
  const { deltas } = generationKeys({ prefix, shard: 0 }, generation.id);
  const records = await redis.xrangeBuffer(deltas, '-', '+');
  return records.map(([, fields]) => fields[5]?.[0] ?? -1);
}

test('a generation that an earlier version has recorded keeps deltas in JSON, which that version reads', async (t) => {
  const prefix = nextPrefix();
  const { metrics } = JSON.parse(encodeCatalogue(DEFAULT_DEFINITIONS.catalogue)) as { metrics: unknown };
  await redis.hset(generationsKey(prefix), {
    live: '1-abc',
    number: '1',
    '1-abc:state': 'live',
    '1-abc:since_ms': '0',
    '1-abc:definitions': JSON.stringify(metrics),
  });
  await appendFlat(redis, { prefix }, events);
  const aggregator = await startAggregator({ redisUrl, prefix });
  t.teardown(aggregator.stop);
  await waitUntilFolded(redis, { prefix });
  t.deepEqual(compareSamples(withoutAges(await scrape(aggregator.url)), reference), []);
  const first = await listFirstBytes(prefix, { id: '1-abc' });
  t.true(first.length > 0);
  t.true(first.every((byte) => byte === '{'.charCodeAt(0)));
});

test('a generation that this version records has binary deltas', async (t) => {
  const prefix = nextPrefix();
  await appendFlat(redis, { prefix }, events);
  const aggregator = await startAggregator({ redisUrl, prefix });
  t.teardown(aggregator.stop);
  await waitUntilFolded(redis, { prefix });
  t.deepEqual(compareSamples(withoutAges(await scrape(aggregator.url)), reference), []);
  const first = await listFirstBytes(prefix, await waitForGeneration(redis, prefix));
  t.true(first.length > 0);
  t.true(first.every((byte) => byte === 1));
});
