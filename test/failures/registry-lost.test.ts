import { test } from '../harness/ava.ts';
import { openGeneration } from '@streamfold/aggregator';
import { generationsKey, shardKeys } from '@streamfold/redis';
import { appendFlat } from '../harness/append-events.ts';
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

const events = [...generateEvents(200, { seed: 11 })];
const reference = foldReference(events.map((fields) => ({ fields })));

/** All events folded by a generation of this number, and no aggregator running. */
async function foldBy(prefix: string, number: number): Promise<string> {
  const registry = generationsKey(prefix);
  await redis.hset(registry, 'number', number);
  const aggregator = await startAggregator({ redisUrl, prefix });
  await appendFlat(redis, { prefix }, events);
  await waitUntilFolded(redis, { prefix });
  await aggregator.stop();
  return (await waitForGeneration(redis, prefix)).id;
}

async function readReasons(url: string): Promise<string[]> {
  const body = (await (await fetch(`${url}/prometheus/health`)).json()) as { reasons: { reason: string }[] };
  return body.reasons.map(({ reason }) => reason);
}

test('an empty registry is written again from the shards, and no counter falls', async (t) => {
  const prefix = nextPrefix();
  const id = await foldBy(prefix, 3);
  await redis.del(generationsKey(prefix));
  const aggregator = await startAggregator({ redisUrl, prefix });
  t.teardown(aggregator.stop);
  t.deepEqual(compareSamples(withoutAges(await scrape(aggregator.url)), reference), []);
  t.is(await redis.hget(generationsKey(prefix), 'live'), id);
});

test('a registry that has gone back alone is reported, and no falling counters are served', async (t) => {
  const prefix = nextPrefix();
  const id = await foldBy(prefix, 3);
  const registry = generationsKey(prefix);
  const older = `2-${id.slice(2)}`;
  const definitions = (await redis.hget(registry, `${id}:definitions`)) ?? '';
  await redis.del(registry);
  await redis.hset(
    registry,
    'live',
    older,
    'number',
    '2',
    `${older}:state`,
    'live',
    `${older}:since_ms`,
    '1',
  );
  await redis.hset(registry, `${older}:definitions`, definitions);

  const aggregator = await startAggregator({ redisUrl, prefix });
  await waitUntil('it to be reported', async () =>
    (await readReasons(aggregator.url)).includes('registry_lost'),
  );
  t.is((await fetch(`${aggregator.url}/prometheus/health`)).status, 503);
  t.is((await fetch(`${aggregator.url}/prometheus/metrics`)).status, 503);
  t.false(
    JSON.stringify(await redis.xinfo('GROUPS', shardKeys({ prefix, shard: 0 }).events)).includes(older),
  );
  await aggregator.stop();

  const accepting = await startAggregator({ redisUrl, prefix, acceptLostState: true });
  t.teardown(accepting.stop);
  await waitUntilFolded(redis, { prefix });
  t.deepEqual(compareSamples(withoutAges(await scrape(accepting.url)), reference), []);
});

test('a generation of which only the state is gone is reported', async (t) => {
  const prefix = nextPrefix();
  await foldBy(prefix, 1);
  const { keys } = await waitForGeneration(redis, prefix);
  await redis.del(keys.head);
  const aggregator = await startAggregator({ redisUrl, prefix });
  t.teardown(aggregator.stop);
  await waitUntil('it to be reported', async () =>
    (await readReasons(aggregator.url)).includes('registry_lost'),
  );
  t.is((await fetch(`${aggregator.url}/prometheus/metrics`)).status, 503);
});

test('an aggregator that ended while it opened the first generation does not keep others from folding', async (t) => {
  const prefix = nextPrefix();
  const { id, keys, shardKeys: shard } = await openGeneration(redis, { prefix, shard: 0 });
  // What the first of two steps of an earlier version left.
  await redis.hset(shard.marks, 'live', id);
  await redis.xgroup('CREATE', shard.events, keys.group, '0', 'MKSTREAM');
  const aggregator = await startAggregator({ redisUrl, prefix });
  t.teardown(aggregator.stop);
  await appendFlat(redis, { prefix }, events);
  await waitUntilFolded(redis, { prefix });
  t.deepEqual(compareSamples(withoutAges(await scrape(aggregator.url)), reference), []);
  t.false(aggregator.facts.some(({ type }) => type === 'condition_raised'));
});

test('aggregators that open the first generation at the same time report no lost state', async (t) => {
  const prefix = nextPrefix();
  const aggregators = await Promise.all([1, 2, 3].map(() => startAggregator({ redisUrl, prefix })));
  for (const each of aggregators) t.teardown(each.stop);
  await appendFlat(redis, { prefix }, events);
  await waitUntilFolded(redis, { prefix });
  t.deepEqual(
    aggregators.flatMap(({ facts }) => facts.filter(({ type }) => type === 'condition_raised')),
    [],
  );
});

test('the group of a dropped generation is not created again, and one created by an earlier version is removed', async (t) => {
  const prefix = nextPrefix();
  const id = await foldBy(prefix, 3);
  const { events: stream, marks } = shardKeys({ prefix, shard: 0 });
  const [dropped, cancelled] = [`2-${id.slice(2)}`, `4-${id.slice(2)}`];
  await redis.hset(marks, cancelled, 'dropped');
  const other = `2-of-somebody-else`;
  for (const each of [dropped, cancelled, other])
    await redis.xgroup('CREATE', stream, `${prefix}:${each}`, '0');
  const aggregator = await startAggregator({ redisUrl, prefix });
  t.teardown(aggregator.stop);
  const listGroups = async (): Promise<string> => JSON.stringify(await redis.xinfo('GROUPS', stream));
  await waitUntil('both to be removed', async () => {
    const groups = await listGroups();
    return !groups.includes(dropped) && !groups.includes(cancelled);
  });
  t.true((await listGroups()).includes(id));
  t.true((await listGroups()).includes(other));
});
