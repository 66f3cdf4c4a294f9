import { test, type ExecutionContext } from '../harness/ava.ts';
import { findGeneration, readRegistry } from '@streamfold/aggregator';
import { appendFlat } from '../harness/append-events.ts';
import { falsifyState } from '../harness/falsify-state.ts';
import { generateEvents } from '../harness/generate-events.ts';
import { runStreamfold } from '../harness/run-streamfold.ts';
import { scrape, withoutAges } from '../harness/scrape.ts';
import { startAggregator, type TestAggregator } from '../harness/start-aggregator.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { pauseBriefly } from '../harness/pause-briefly.ts';
import { waitUntilFolded } from '../harness/wait-until-folded.ts';
import { waitUntil } from '../harness/wait-until.ts';

const { redis, url: redisUrl, stop } = await shareRedis();
test.after.always(stop);

async function startFolded(t: ExecutionContext, prefix: string): Promise<TestAggregator> {
  const aggregator = await startAggregator({ redisUrl, prefix, pause: pauseBriefly, generationGraceMs: 300 });
  t.teardown(aggregator.stop);
  await appendFlat(redis, { prefix }, generateEvents(500, { seed: 31, bad: true }));
  await waitUntilFolded(redis, { prefix });
  await scrape(aggregator.url);
  return aggregator;
}

/** Keys and groups, without those that expire. */
async function listTraces(prefix: string): Promise<string[]> {
  const keys = (await redis.keys(`${prefix}:*`)).filter((key) => !key.endsWith(':snapshot-writer'));
  const groups = JSON.stringify(await redis.xinfo('GROUPS', `${prefix}:{0}:events`)).match(/"name","[^"]+"/g);
  return [...keys, ...(groups ?? [])].toSorted();
}

test('a replaced generation is dropped after the grace period, with its group and all its keys', async (t) => {
  const prefix = nextPrefix();
  const { url, facts } = await startFolded(t, prefix);
  const old = await findGeneration(redis, { prefix, shard: 0 });
  const traces = await listTraces(prefix);
  const before = withoutAges(await scrape(url));
  t.is((await runStreamfold(['rebuild', '--redis', redisUrl, '--prefix', prefix])).code, 0);
  await waitUntil('it is dropped', async () => (await readRegistry(redis, prefix)).generations.size === 1);
  const live = await findGeneration(redis, { prefix, shard: 0 });
  t.deepEqual(
    (await listTraces(prefix)).map((trace) => trace.replace(live?.id ?? '', old?.id ?? '')),
    traces,
  );
  t.deepEqual(withoutAges(await scrape(url)), before);
  t.true(facts.some(({ type }) => type === 'generation_dropped'));
  await appendFlat(redis, { prefix }, generateEvents(50, { seed: 32 }));
  await waitUntilFolded(redis, { prefix });
  t.is((await listTraces(prefix)).length, traces.length, 'none of its keys comes back');
});

test('a cancelled rebuild leaves no trace, however far it got, and the next one starts from the beginning', async (t) => {
  const prefix = nextPrefix();
  const aggregator = await startFolded(t, prefix);
  const traces = await listTraces(prefix);
  const live = await findGeneration(redis, { prefix, shard: 0 });
  if (live === undefined) return t.fail();
  // A generation that differs from the live one is not switched to, but still folded.
  await falsifyState(redis, live);
  t.is((await runStreamfold(['rebuild', '--redis', redisUrl, '--prefix', prefix])).code, 1);
  t.true(aggregator.facts.some(({ type }) => type === 'generation_folded'));
  t.not((await listTraces(prefix)).length, traces.length);

  const gone = ['--config', 'gone.json', '--archive', 'ftp://gone']; // neither is needed to cancel
  const run = await runStreamfold(['rebuild', '--cancel', '--redis', redisUrl, '--prefix', prefix, ...gone]);
  t.regex(
    run.stdout,
    /^cancelled the rebuild of generation 2-\w+ and removed everything that it had built\n$/,
  );
  t.deepEqual(await listTraces(prefix), traces);
  await appendFlat(redis, { prefix }, generateEvents(50, { seed: 33 }));
  await waitUntilFolded(redis, { prefix });
  t.deepEqual(await listTraces(prefix), traces, 'none of its keys comes back');

  const again = await runStreamfold(['rebuild', '--cancel', '--redis', redisUrl, '--prefix', prefix]);
  t.is(again.stdout, 'no rebuild is running\n');
  t.is((await runStreamfold(['rebuild', '--force', '--redis', redisUrl, '--prefix', prefix])).code, 0);
  t.regex((await findGeneration(redis, { prefix, shard: 0 }))?.id ?? '', /^3-/);
});

test('without a rebuild, --cancel finishes a removal begun before, and reports it', async (t) => {
  const prefix = nextPrefix();
  await (await startAggregator({ redisUrl, prefix })).stop();
  const registry = `${prefix}:generations`;
  const live = (await redis.hget(registry, 'live')) ?? '';
  // A generation that a rebuild had replaced, and whose removal was interrupted.
  const definitions = (await redis.hget(registry, `${live}:definitions`)) ?? '';
  await redis.hset(
    registry,
    '9-old:state',
    'dropping',
    '9-old:since_ms',
    '1',
    '9-old:definitions',
    definitions,
  );
  const run = (...args: string[]): ReturnType<typeof runStreamfold> =>
    runStreamfold(['rebuild', '--cancel', '--redis', redisUrl, '--prefix', prefix, ...args]);
  t.like(await run(), {
    code: 0,
    stdout: 'no rebuild is running; finished the removal of generation 9-old, which an earlier run began\n',
  });
  t.is(await redis.hget(registry, '9-old:state'), null);
  t.is(await redis.hget(registry, 'live'), live);
  t.deepEqual(JSON.parse((await run('--json')).stdout), { cancelled: null, removed: null });
});
