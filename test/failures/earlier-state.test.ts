import { test } from '../harness/ava.ts';
import { readFileSync } from 'node:fs';
import { shardKeys } from '@streamfold/redis';
import { compareSamples } from '../harness/compare-samples.ts';
import { foldReference } from '../harness/reference-fold.ts';
import { scrape, withoutAges } from '../harness/scrape.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { startRedis } from '../harness/start-redis.ts';
import { waitUntilFolded } from '../harness/wait-until-folded.ts';

interface Recorded {
  readonly events: readonly Readonly<Record<string, string>>[];
  /** DUMP of each key, base64. */
  readonly dump: Readonly<Record<string, string>>;
}

const recorded = JSON.parse(
  readFileSync(new URL('../../failures/golden/earlier-state.json', import.meta.url), 'utf8'),
) as Recorded;

test('state, pending entries and group of an earlier version are continued: each entry is folded once, none is lost', async (t) => {
  const server = await startRedis();
  t.teardown(() => server.stop());
  const { redis } = server;
  for (const [key, dump] of Object.entries(recorded.dump))
    await redis.restore(key, 0, Buffer.from(dump, 'base64'));

  const aggregator = await startAggregator({ redisUrl: server.url, claimIdleMs: 100 });
  t.teardown(aggregator.stop);
  await waitUntilFolded(redis, { prefix: 'streamfold' });
  const expected = foldReference(recorded.events.map((fields) => ({ fields })));
  t.deepEqual(compareSamples(withoutAges(await scrape(aggregator.url)), expected), []);
  t.deepEqual(
    aggregator.facts.filter(({ type }) => type === 'entries_lost' || type === 'entries_repeated'),
    [],
  );
  t.is(
    await redis.hget(shardKeys({ prefix: 'streamfold', shard: 0 }).marks, 'live'),
    await redis.hget('streamfold:generations', 'live'),
  );
});
