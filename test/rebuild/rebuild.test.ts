import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type ExecutionContext } from '../harness/ava.ts';
import { findGeneration, readRegistry } from '@streamfold/aggregator';
import { appendFlat } from '../harness/append-events.ts';
import { compareSamples } from '../harness/compare-samples.ts';
import { define } from '../harness/define.ts';
import { FALSE_SERIES, falsifyState } from '../harness/falsify-state.ts';
import { generateEvents } from '../harness/generate-events.ts';
import { foldReference } from '../harness/reference-fold.ts';
import { runStreamfold, type ProgramRun } from '../harness/run-streamfold.ts';
import { scrape, withoutAges } from '../harness/scrape.ts';
import { startAggregator, type TestAggregator } from '../harness/start-aggregator.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { waitUntilFolded } from '../harness/wait-until-folded.ts';

const { redis, url: redisUrl, stop } = await shareRedis();
test.after.always(stop);

const CHANGED = {
  metrics: {
    signal_delivery_latency_seconds: { buckets: [0.3, 0.7, 1.9], labels: { keep: ['signal_type'] } },
    signals_sent_total: { labels: { drop: ['swarm_id'] } },
  },
  custom: [
    {
      type: 'counter',
      name: 'phases_begun_total',
      help: 'x',
      event: 'coordinator.phase_changed',
      labels: ['phase'],
    },
  ],
};
const configFile = join(mkdtempSync(join(tmpdir(), 'streamfold-rebuild-')), 'streamfold.config.json');
writeFileSync(configFile, JSON.stringify(CHANGED));

async function start(
  t: ExecutionContext,
  options: Parameters<typeof startAggregator>[0],
): Promise<TestAggregator> {
  const aggregator = await startAggregator(options);
  t.teardown(aggregator.stop);
  await scrape(aggregator.url);
  return aggregator;
}

function rebuild(prefix: string, ...flags: string[]): Promise<ProgramRun> {
  return runStreamfold(['rebuild', '--redis', redisUrl, '--prefix', prefix, ...flags]);
}

test('with unchanged definitions both generations are equal, and the new one goes live; no dead letter is written again', async (t) => {
  const prefix = nextPrefix();
  const { url } = await start(t, { redisUrl, prefix });
  const events = [...generateEvents(1_000, { seed: 3, bad: true })];
  await appendFlat(redis, { prefix }, events);
  await waitUntilFolded(redis, { prefix });
  const dead = await redis.xlen(`${prefix}:{0}:dead`);
  t.true(dead > 0);
  const before = await findGeneration(redis, { prefix, shard: 0 });

  const run = await rebuild(prefix, '--json');
  t.is(run.code, 0, run.stderr);
  const after = await findGeneration(redis, { prefix, shard: 0 });
  t.deepEqual(JSON.parse(run.stdout), {
    outcome: 'switched',
    from: before?.id,
    to: after?.id,
    compared: true,
  });
  t.not(after?.id, before?.id);
  const expected = foldReference(events.map((fields) => ({ fields })));
  t.deepEqual(compareSamples(withoutAges(await scrape(url)), expected), []);
  t.is(await redis.xlen(`${prefix}:{0}:dead`), dead);

  const more = [...generateEvents(300, { seed: 4, bad: true })];
  await appendFlat(redis, { prefix }, more);
  await waitUntilFolded(redis, { prefix });
  const all = foldReference([...events, ...more].map((fields) => ({ fields })));
  t.deepEqual(compareSamples(withoutAges(await scrape(url)), all), []);
  const letters = await redis.xrange(`${prefix}:{0}:dead`, '-', '+');
  t.true(letters.length > dead);
  t.is(new Set(letters.map(([, fields]) => fields[1])).size, letters.length, 'each is written once');
});

test('a rebuild with other buckets, labels and metrics shows the same as a fold with those from the start', async (t) => {
  const prefix = nextPrefix();
  const fresh = nextPrefix();
  const rebuilt = await start(t, { redisUrl, prefix });
  const other = await start(t, { redisUrl, prefix: fresh, definitions: define(CHANGED) });
  for (const each of [prefix, fresh]) {
    await appendFlat(redis, { prefix: each }, generateEvents(1_000, { seed: 5 }));
    await waitUntilFolded(redis, { prefix: each });
  }
  t.false((await scrape(rebuilt.url)).has('phases_begun_total{phase="planning"}'));

  const run = await rebuild(prefix, '--config', configFile);
  t.is(run.code, 0, run.stderr);
  t.regex(run.stdout, /^generation 2-\w+ is live and replaces 1-\w+\n$/);
  t.true((await scrape(rebuilt.url)).has('phases_begun_total{phase="planning"}'));
  t.deepEqual(
    compareSamples(withoutAges(await scrape(rebuilt.url)), withoutAges(await scrape(other.url))),
    [],
  );
});

test('if both generations have the same definitions and differ, the differences are shown and nothing is switched; --force switches', async (t) => {
  const prefix = nextPrefix();
  const { url } = await start(t, { redisUrl, prefix });
  await appendFlat(redis, { prefix }, generateEvents(50, { seed: 6 }));
  await waitUntilFolded(redis, { prefix });
  const live = await findGeneration(redis, { prefix, shard: 0 });
  if (live === undefined) return t.fail();
  await falsifyState(redis, live);

  const run = await rebuild(prefix);
  t.is(run.code, 1);
  t.regex(
    run.stderr,
    / differ in 1 place; not switched .*\n {2}shard 0: signals_sent_total\{swarm_id="nobody",signal_type="x"\}: live 5, rebuilt nothing\n$/,
  );
  t.is((await findGeneration(redis, { prefix, shard: 0 }))?.id, live.id);
  t.is((await scrape(url)).get(FALSE_SERIES), '5');

  t.is((await rebuild(prefix, '--force')).code, 0);
  t.false((await scrape(url)).has(FALSE_SERIES));
});

test('entries that are neither in the stream nor in an archive are counted and refused; --force rebuilds without them', async (t) => {
  const prefix = nextPrefix();
  const { url } = await start(t, { redisUrl, prefix });
  const events = [...generateEvents(120, { seed: 7 })];
  await appendFlat(redis, { prefix }, events);
  await waitUntilFolded(redis, { prefix });
  await redis.xtrim(`${prefix}:{0}:events`, 'MAXLEN', 100);

  const run = await rebuild(prefix);
  t.is(run.code, 1);
  t.regex(
    run.stderr,
    /^streamfold: shard 0: expected all entries in the stream or in the archive; 20 entries are not in the stream, and no archive is named \(--archive\)/,
  );
  t.is((await readRegistry(redis, prefix)).generations.size, 1);

  const forced = await rebuild(prefix, '--force');
  t.is(forced.code, 0);
  t.regex(forced.stderr, /^shard 0: 20 entries are skipped: in neither the stream nor an archive$/m);
  const expected = foldReference(events.slice(20).map((fields) => ({ fields })));
  t.deepEqual(compareSamples(withoutAges(await scrape(url)), expected), []);
});

test('before any aggregator has run there is nothing to rebuild', async (t) => {
  const run = await rebuild(nextPrefix());
  t.is(run.code, 1);
  t.is(run.stderr, 'streamfold: expected a generation to rebuild; no aggregator has run yet\n');
});
