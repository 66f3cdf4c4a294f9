import { test } from '../harness/ava.ts';
import { z } from 'zod';
import { generationKeys, shardKeys } from '@streamfold/redis';
import { appendFlat } from '../harness/append-events.ts';
import { generateEvents } from '../harness/generate-events.ts';
import { startAggregator, type TestAggregator } from '../harness/start-aggregator.ts';
import { nextPrefix, shareRedis, startRedis } from '../harness/start-redis.ts';
import { waitForGeneration, waitUntilFolded } from '../harness/wait-until-folded.ts';
import { waitUntil } from '../harness/wait-until.ts';

const { redis, url: redisUrl, stop } = await shareRedis();
test.after.always(stop);

const Health = z.object({
  status: z.string(),
  redis: z.string(),
  lag_entries: z.number().nullable(),
  reasons: z.array(
    z.object({ reason: z.string(), detail: z.string().optional(), shard: z.number().optional() }),
  ),
});

async function readHealth({ url }: TestAggregator): Promise<z.output<typeof Health>> {
  return Health.parse(await (await fetch(`${url}/prometheus/health`)).json());
}

async function readOwn({ url }: TestAggregator): Promise<string> {
  return (await fetch(`${url}/metrics`)).text();
}

async function readReasonGauges(aggregator: TestAggregator): Promise<ReadonlyMap<string, string>> {
  return new Map(
    [...(await readOwn(aggregator)).matchAll(/^streamfold_health_reason\{reason="(\w+)"\} (\d)$/gm)].map(
      ([, reason = '', value = '']) => [reason, value],
    ),
  );
}

/** The URL of Redis for a user with all permissions except the named ones. */
async function urlOfUser(name: string, ...rules: string[]): Promise<string> {
  await redis.acl('SETUSER', name, 'on', '>secret', '~*', '&*', '+@all', ...rules);
  const url = new URL(redisUrl);
  url.username = name;
  url.password = 'secret';
  return url.href;
}

test('a missing consumer group is named as the reason, not Redis', async (t) => {
  const prefix = nextPrefix();
  // It only serves, so it does not create the group again.
  const folding = await startAggregator({ redisUrl, prefix });
  await waitUntil('it is ready', async () => (await fetch(`${folding.url}/readyz`)).ok);
  const { id } = await waitForGeneration(redis, prefix);
  const serving = await startAggregator({ redisUrl, prefix, role: 'serve' });
  t.teardown(serving.stop);
  await waitUntil('it is ready', async () => (await fetch(`${serving.url}/readyz`)).ok);
  await folding.stop();
  const { events } = shardKeys({ prefix, shard: 0 });
  const { group } = generationKeys({ prefix, shard: 0 }, id);
  await redis.xgroup('DESTROY', events, group);

  const { status, redis: reached, lag_entries, reasons } = await readHealth(serving);
  t.deepEqual([status, reached, lag_entries], ['unhealthy', 'connected', null]);
  t.deepEqual(reasons, [
    {
      reason: 'group_missing',
      detail: `NOGROUP expected consumer group ${group} on ${events}; there is none`,
      shard: 0,
    },
  ]);
  t.is((await readReasonGauges(serving)).get('group_missing'), '1');
});

test('a missing permission is named as the reason, with the error of Redis', async (t) => {
  const prefix = nextPrefix();
  const aggregator = await startAggregator({
    redisUrl: await urlOfUser('blind', '-xpending'),
    prefix,
  });
  t.teardown(aggregator.stop);
  await waitUntil('it is reported', async () => (await readHealth(aggregator)).status === 'unhealthy');
  await waitUntil('it has opened its shards', async () =>
    (await readHealth(aggregator)).reasons.every(({ reason }) => reason !== 'shards_not_open'),
  );
  const { redis: reached, reasons } = await readHealth(aggregator);
  t.is(reached, 'connected');
  const [refused] = reasons.filter(({ reason }) => reason === 'redis_refuses');
  t.regex(refused?.detail ?? '', /^NOPERM .*xpending/);
  t.is(refused?.shard, 0);
});

test('shards that cannot be opened are named as the reason, with the error', async (t) => {
  const prefix = nextPrefix();
  const aggregator = await startAggregator({
    redisUrl: await urlOfUser('reader', '-hset', '-set', '-eval', '-evalsha', '-hsetnx'),
    prefix,
  });
  t.teardown(aggregator.stop);
  await waitUntil('the first attempt has failed', () =>
    aggregator.facts.some((fact) => fact.type === 'failed' && fact.step === 'open'),
  );
  const { status, redis: reached, reasons } = await readHealth(aggregator);
  t.deepEqual([status, reached], ['unhealthy', 'connected']);
  const [closed] = reasons.filter(({ reason }) => reason === 'shards_not_open');
  t.regex(closed?.detail ?? '', /NOPERM/);
  const scraped = await fetch(`${aggregator.url}/prometheus/metrics`);
  t.is(scraped.status, 503);
  t.regex(await scraped.text(), /^# the consumer groups are not there yet: .*NOPERM.*\n$/);
  t.regex(
    await (await fetch(`${aggregator.url}/readyz`)).text(),
    /^the consumer groups are not there yet: .*NOPERM.*\n$/,
  );
});

test('an unreadable state is a reason until it can be read, and no empty metrics are served', async (t) => {
  const prefix = nextPrefix();
  const folding = await startAggregator({ redisUrl, prefix, role: 'fold' });
  t.teardown(folding.stop);
  await appendFlat(redis, { prefix }, generateEvents(20, { seed: 1 }));
  await waitUntilFolded(redis, { prefix });
  const { keys } = await waitForGeneration(redis, prefix);
  const [oldest] = await redis.xrange(keys.deltas, '-', '+', 'COUNT', 1);
  const removed = await redis.dumpBuffer(keys.deltas);
  await redis.xdel(keys.deltas, oldest?.[0] ?? '');
  const serving = await startAggregator({ redisUrl, prefix, role: 'serve' });
  t.teardown(serving.stop);
  const isRaised = async (): Promise<boolean> =>
    (await readHealth(serving)).reasons.some(({ reason }) => reason === 'snapshot_unreadable');
  await waitUntil('it is reported', isRaised);
  t.is((await fetch(`${serving.url}/prometheus/metrics`)).status, 503);
  await redis.restore(keys.deltas, 0, removed, 'REPLACE');
  await waitUntil('it is over', async () => !(await isRaised()));
  t.is((await fetch(`${serving.url}/prometheus/metrics`)).status, 200);
});

test('every reason is in the metrics from the start, at 0', async (t) => {
  const aggregator = await startAggregator({ redisUrl, prefix: nextPrefix() });
  t.teardown(aggregator.stop);
  await waitUntil('it is well', async () => (await readHealth(aggregator)).status === 'healthy');
  const gauges = await readReasonGauges(aggregator);
  t.true(gauges.size >= 8);
  t.deepEqual(
    [...gauges].filter(([, value]) => value !== '0'),
    [],
  );
});

test('a kept dead letter is a reason and a gauge, even if a publisher wrote it, and leaves the status healthy', async (t) => {
  const prefix = nextPrefix();
  const { dead } = shardKeys({ prefix, shard: 0 });
  await redis.xadd(dead, '*', 'entry_id', '1-1', 'reason', 'invalid_field', 'detail', 'x', 'fields', '{}');
  const aggregator = await startAggregator({ redisUrl, prefix });
  t.teardown(aggregator.stop);
  await waitUntil('it is well', async () => (await readHealth(aggregator)).status === 'healthy');
  t.deepEqual((await readHealth(aggregator)).reasons, [
    { reason: 'dead_letters_kept', detail: '1', shard: 0 },
  ]);
  t.regex(await readOwn(aggregator), /^streamfold_dead_letters_kept\{shard="0"\} 1$/m);
});

test('the first failure of every step is visible to rate()', async (t) => {
  const aggregator = await startAggregator({ redisUrl, prefix: nextPrefix() });
  t.teardown(aggregator.stop);
  const own = await readOwn(aggregator);
  for (const step of ['open', 'fold', 'view', 'upkeep', 'monitor', 'generations', 'archive'])
    t.true(own.includes(`\nstreamfold_failures_total{step="${step}"} `), step);
});

test('while Redis is away the metrics say so, even if nobody asks for the health', async (t) => {
  const server = await startRedis();
  t.teardown(server.stop);
  const aggregator = await startAggregator({ redisUrl: server.url });
  t.teardown(aggregator.stop);
  await waitUntil('it is ready', async () => (await fetch(`${aggregator.url}/readyz`)).ok);
  await server.kill('SIGKILL');
  await waitUntil(
    'the reason is shown',
    async () => (await readReasonGauges(aggregator)).get('redis_unreachable') === '1',
  );
  t.is((await readHealth(aggregator)).redis, 'unreachable');
});
