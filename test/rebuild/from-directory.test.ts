import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type ExecutionContext } from '../harness/ava.ts';
import { findGeneration, readRegistry, verifyShard } from '@streamfold/aggregator';
import { archiveShard, dataName, listSegments, restoreShard, trimStream } from '@streamfold/archive';
import { appendFlat, eventsKey } from '../harness/append-events.ts';
import { compareSamples } from '../harness/compare-samples.ts';
import { generateEvents } from '../harness/generate-events.ts';
import { openTestArchive, type TestArchive } from '../harness/open-test-archive.ts';
import { pauseBriefly } from '../harness/pause-briefly.ts';
import { foldReference } from '../harness/reference-fold.ts';
import { runStreamfold, type ProgramRun } from '../harness/run-streamfold.ts';
import { scrape, withoutAges } from '../harness/scrape.ts';
import { startAggregator, type TestAggregator } from '../harness/start-aggregator.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { waitUntilFolded } from '../harness/wait-until-folded.ts';

const { redis, url: redisUrl, stop } = await shareRedis();
test.after.always(stop);

const events = [...generateEvents(900, { seed: 23, bad: true })];

interface Installation {
  readonly prefix: string;
  readonly archive: TestArchive;
  readonly aggregator: TestAggregator;
  readonly run: (...args: string[]) => Promise<ProgramRun>;
}

/** 700 archived and trimmed entries, and 200 that are only in the stream. */
async function install(t: ExecutionContext): Promise<Installation> {
  const archive = await openTestArchive();
  t.teardown(archive.remove);
  const prefix = nextPrefix();
  const aggregator = await startAggregator({ redisUrl, prefix });
  t.teardown(aggregator.stop);
  await appendFlat(redis, { prefix }, events.slice(0, 700));
  await waitUntilFolded(redis, { prefix });
  const bounds = { entries: 150, bytes: 1e9 };
  await archiveShard(redis, { prefix, shard: 0, shards: 1, archive, settleMs: 0, bounds });
  t.is(await trimStream(redis, { prefix, shard: 0, retentionMs: 0, onlyArchived: true }), 700);
  await appendFlat(redis, { prefix }, events.slice(700));
  await waitUntilFolded(redis, { prefix });
  const env = {
    STREAMFOLD_REDIS_URL: redisUrl,
    STREAMFOLD_PREFIX: prefix,
    STREAMFOLD_ARCHIVE: archive.directory,
  };
  return { prefix, archive, aggregator, run: (...args) => runStreamfold(args, { env }) };
}

const expected = foldReference(events.map((fields) => ({ fields })));

test('a rebuild folds the archive, then the stream, and the new generation equals the old one', async (t) => {
  const { prefix, archive, aggregator, run } = await install(t);
  const before = await readRegistry(redis, prefix);
  const rebuilt = await run('rebuild');
  t.is(rebuilt.code, 0, rebuilt.stderr);
  const after = await readRegistry(redis, prefix);
  t.not(after.live, before.live);
  t.deepEqual(compareSamples(withoutAges(await scrape(aggregator.url)), expected), []);
  const generation = await findGeneration(redis, { prefix, shard: 0 });
  if (generation === undefined) return t.fail();
  t.like(await verifyShard(redis, generation, { shards: 1, archive, onProgress: () => undefined }), {
    equal: true,
    entries: 900,
    missingEntries: 0,
  });
});

test('a rebuild without the archive that it needs is refused', async (t) => {
  const { prefix, run } = await install(t);
  const before = await readRegistry(redis, prefix);
  const { code, stderr } = await run('rebuild', '--archive', '');
  t.is(code, 1);
  t.regex(stderr, /700 entries are not in the stream, and no archive is named/);
  t.deepEqual((await readRegistry(redis, prefix)).live, before.live);
});

test('a rebuild interrupted in the archive is not resumed without it', async (t) => {
  const { prefix, archive, aggregator, run } = await install(t);
  const before = await readRegistry(redis, prefix);
  const segment = (await listSegments(archive, 0))[2];
  if (segment === undefined) return t.fail();
  const path = join(archive.directory, dataName(0, segment));
  const whole = await readFile(path);
  await truncate(path, 30);
  t.is((await run('rebuild')).code, 1);
  await writeFile(path, whole);
  const without = await run('rebuild', '--archive', '');
  t.is(without.code, 1);
  t.regex(
    without.stderr,
    /resuming generation 2-.*\n.*700 entries are not in the stream, and no archive is named/,
  );
  t.is((await readRegistry(redis, prefix)).live, before.live);
  t.is((await run('rebuild')).code, 0);
  t.deepEqual(compareSamples(withoutAges(await scrape(aggregator.url)), expected), []);
});

test('a generation rebuilt from the archive alone is verified against the archive', async (t) => {
  const { prefix, archive, run } = await install(t);
  await archiveShard(redis, { prefix, shard: 0, shards: 1, archive, settleMs: 0 });
  t.is(await trimStream(redis, { prefix, shard: 0, retentionMs: 0, onlyArchived: true }), 200);
  const rebuilt = await run('rebuild');
  t.is(rebuilt.code, 0, rebuilt.stderr);
  const verified = await run('verify');
  t.is(verified.code, 0, verified.stdout);
  t.regex(verified.stdout, /^shard 0, generation 2-.*: equal \(900 entries folded, 0 pending\)$/m);
});

test('a damaged segment is named, and nothing is switched; after the repair the rebuild resumes', async (t) => {
  const { prefix, archive, aggregator, run } = await install(t);
  const before = await readRegistry(redis, prefix);
  const segment = (await listSegments(archive, 0))[2];
  if (segment === undefined) return t.fail();
  const path = join(archive.directory, dataName(0, segment));
  const whole = await readFile(path);
  await truncate(path, 30);
  const { code, stderr } = await run('rebuild');
  t.is(code, 1);
  t.true(
    stderr.includes(`entries behind ${segment.previous?.lastId} to ${segment.lastId}: segment 3`),
    stderr,
  );
  t.is((await readRegistry(redis, prefix)).live, before.live);
  await writeFile(path, whole);
  const again = await run('rebuild');
  t.is(again.code, 0, again.stderr);
  t.deepEqual(compareSamples(withoutAges(await scrape(aggregator.url)), expected), []);
});

test('a stream restored from an archive can be rebuilt from it', async (t) => {
  const { archive } = await install(t);
  const prefix = nextPrefix();
  const stopping = new AbortController();
  await restoreShard(redis, {
    prefix,
    shard: 0,
    shards: 1,
    archive,
    retentionMs: 0,
    mostAhead: 1e9,
    pause: pauseBriefly,
    stop: stopping.signal,
    onProgress: () => undefined,
  });
  const aggregator = await startAggregator({ redisUrl, prefix });
  t.teardown(aggregator.stop);
  await waitUntilFolded(redis, { prefix });
  t.is(await trimStream(redis, { prefix, shard: 0, retentionMs: 0, onlyArchived: true }), 700);
  t.is(await redis.xlen(eventsKey({ prefix })), 0);
  const env = {
    STREAMFOLD_REDIS_URL: redisUrl,
    STREAMFOLD_PREFIX: prefix,
    STREAMFOLD_ARCHIVE: archive.directory,
  };
  const rebuilt = await runStreamfold(['rebuild'], { env });
  t.is(rebuilt.code, 0, rebuilt.stderr);
  const reference = foldReference(events.slice(0, 700).map((fields) => ({ fields })));
  t.deepEqual(compareSamples(withoutAges(await scrape(aggregator.url)), reference), []);
});
