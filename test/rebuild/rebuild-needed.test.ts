import { test } from '../harness/ava.ts';
import { DEFAULT_DEFINITIONS, encodeCatalogue } from '@streamfold/core';
import { generationsKey } from '@streamfold/redis';
import { appendFlat } from '../harness/append-events.ts';
import { define } from '../harness/define.ts';
import { generateEvents } from '../harness/generate-events.ts';
import { scrape, withoutAges } from '../harness/scrape.ts';
import { startAggregator, type TestAggregator } from '../harness/start-aggregator.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { waitUntilFolded } from '../harness/wait-until-folded.ts';
import { waitUntil } from '../harness/wait-until.ts';

const { redis, url: redisUrl, stop } = await shareRedis();
test.after.always(stop);

const OTHER = define({ metrics: { signals_sent_total: { labels: { drop: ['swarm_id'] } } } });

async function readHealth({ url }: TestAggregator): Promise<Record<string, unknown>> {
  return (await (await fetch(`${url}/prometheus/health`)).json()) as Record<string, unknown>;
}

async function readOwn({ url }: TestAggregator): Promise<string> {
  return (await fetch(`${url}/metrics`)).text();
}

test('an aggregator configured differently from the live generation folds and serves that generation, and reports that a rebuild is needed', async (t) => {
  const prefix = nextPrefix();
  const first = await startAggregator({ redisUrl, prefix });
  t.teardown(first.stop);
  await scrape(first.url);
  const second = await startAggregator({ redisUrl, prefix, definitions: OTHER });
  t.teardown(second.stop);
  await appendFlat(redis, { prefix }, generateEvents(500, { seed: 1 }));
  await waitUntilFolded(redis, { prefix });
  await scrape(second.url);
  t.deepEqual(withoutAges(await scrape(second.url)), withoutAges(await scrape(first.url)));

  await waitUntil('the view follows', async () => (await readHealth(first))['status'] === 'healthy');
  t.is((await readHealth(first))['rebuild_needed'], false);
  t.like(await readHealth(second), { status: 'degraded', rebuild_needed: true });
  t.regex(await readOwn(first), /^streamfold_rebuild_needed 0$/m);
  t.regex(await readOwn(second), /^streamfold_rebuild_needed 1$/m);
  t.is(second.facts.filter(({ type }) => type === 'rebuild_needed').length, 1);
  t.is(first.facts.filter(({ type }) => type === 'rebuild_needed').length, 0);
});

test('an older program neither folds nor serves a live generation of a newer one, and says so', async (t) => {
  const prefix = nextPrefix();
  const newer = encodeCatalogue(DEFAULT_DEFINITIONS.catalogue).replaceAll(
    'signal.sent',
    'signal.of_tomorrow',
  );
  await redis.hset(generationsKey(prefix), {
    live: '7-abc',
    number: '7',
    '7-abc:state': 'live',
    '7-abc:since_ms': '0',
    '7-abc:definitions': newer,
  });
  const aggregator = await startAggregator({ redisUrl, prefix });
  t.teardown(aggregator.stop);
  await waitUntil('the unreadable generation is reported', () =>
    aggregator.facts.some(({ type }) => type === 'generation_unreadable'),
  );
  t.like(await readHealth(aggregator), { status: 'degraded', redis: 'connected', generation: '7-abc' });
  const readiness = await fetch(`${aggregator.url}/readyz`);
  t.is(readiness.status, 503);
  t.regex(
    await readiness.text(),
    /^generation 7-abc: expected definitions that this program knows; got metric signals_sent_total/,
  );
  t.is((await fetch(`${aggregator.url}/prometheus/metrics`)).status, 503);
  t.is(await redis.exists(`${prefix}:{0}:events`), 0);
});
