import { test } from '../harness/ava.ts';
import { swarmShard } from '@streamfold/core';
import { ConfigurationError } from '@streamfold/redis';
import { appendFlat } from '../harness/append-events.ts';
import { compareSamples } from '../harness/compare-samples.ts';
import { generateEvents } from '../harness/generate-events.ts';
import { foldReference } from '../harness/reference-fold.ts';
import { scrape, withoutAges } from '../harness/scrape.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { waitForGeneration, waitUntilFolded } from '../harness/wait-until-folded.ts';

const { redis, url: redisUrl, stop } = await shareRedis();
test.after.always(stop);

const SHARDS = 3;

test('the metrics of three shards add up to those of one, also for series that several shards share', async (t) => {
  const prefix = nextPrefix();
  const events = [...generateEvents(3_000, { seed: 1 })];
  const counts = [0, 0, 0];
  for (let shard = 0; shard < SHARDS; shard++) {
    const own = events.filter(({ swarm_id = '' }) => swarmShard(swarm_id, SHARDS) === shard);
    counts[shard] = own.length;
    await appendFlat(redis, { prefix, shard }, own);
  }
  t.true(counts.filter((count) => count > 0).length >= 2);

  const options = { redisUrl, prefix, shards: SHARDS, batchEntries: 20 };
  const aggregators = await Promise.all([startAggregator(options), startAggregator(options)]);
  for (const each of aggregators) t.teardown(each.stop);
  for (let shard = 0; shard < SHARDS; shard++) await waitUntilFolded(redis, { prefix, shard });
  const reference = foldReference(events.map((fields) => ({ fields })));
  for (const { url } of aggregators)
    t.deepEqual(compareSamples(withoutAges(await scrape(url)), reference), []);
});

test('the health of an aggregator of three shards covers all of them', async (t) => {
  const prefix = nextPrefix();
  const first = await startAggregator({ redisUrl, prefix, shards: SHARDS, role: 'serve' });
  t.teardown(first.stop);
  for (let shard = 0; shard < SHARDS; shard++) {
    await waitForGeneration(redis, prefix, shard);
    await appendFlat(redis, { prefix, shard }, generateEvents(10 + shard, { seed: shard }));
  }
  const health = (await (await fetch(`${first.url}/prometheus/health`)).json()) as Record<string, unknown>;
  t.is(health['lag_entries'], 33);
  t.is(health['pending'], 0);
});

test('an aggregator configured for another number of shards refuses to start, and reports both numbers', async (t) => {
  const prefix = nextPrefix();
  const first = await startAggregator({ redisUrl, prefix, shards: SHARDS });
  t.teardown(first.stop);
  await waitForGeneration(redis, prefix, SHARDS - 1);
  const error = await t.throwsAsync(
    async () => {
      const second = await startAggregator({ redisUrl, prefix, shards: 5 });
      await second.ended;
    },
    { instanceOf: ConfigurationError },
  );
  t.regex(error.message, /^shards: expected 3\b.*; got 5$/);
  t.false(error.message.includes('\n'));
  t.is(await redis.exists(`${prefix}:{4}:events`), 0);
});
