import { setTimeout as sleep } from 'node:timers/promises';
import { test } from '../harness/ava.ts';
import { findGeneration, verifyShard, type Verification } from '@streamfold/aggregator';
import {
  archiveShard,
  restoreShard,
  trimStream,
  type Archive,
  type RestoreOptions,
} from '@streamfold/archive';
import type { Redis } from 'ioredis';
import { appendFlat, appendTogether, eventsKey } from '../harness/append-events.ts';
import { countLost } from '../harness/check-folded-once.ts';
import { compareSamples } from '../harness/compare-samples.ts';
import { generateEvents } from '../harness/generate-events.ts';
import { openTestArchive } from '../harness/open-test-archive.ts';
import { scrape, withoutAges } from '../harness/scrape.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { nextPrefix, startRedis } from '../harness/start-redis.ts';
import { waitUntilFolded } from '../harness/wait-until-folded.ts';
import { fillStream } from './fill-stream.ts';
import { readAll, readWholeStream } from './read-all.ts';

const [before, after] = await Promise.all([startRedis(), startRedis()]);
test.after.always(() => Promise.all([before.stop(), after.stop()]));

const BOUNDS = { entries: 300, bytes: 1e9 };

function archiveAll(prefix: string, archive: Archive): Promise<number> {
  return archiveShard(before.redis, { prefix, shard: 0, shards: 1, archive, settleMs: 0, bounds: BOUNDS });
}

function trimAll(redis: Redis, prefix: string): Promise<number> {
  return trimStream(redis, { prefix, shard: 0, retentionMs: 0, onlyArchived: true });
}

function restore(prefix: string, archive: Archive, options: Partial<RestoreOptions> = {}): Promise<number> {
  return restoreShard(after.redis, {
    prefix,
    shard: 0,
    shards: 1,
    archive,
    retentionMs: 3_600_000,
    mostAhead: 1e9,
    pause: async (ms, signal) => {
      await sleep(ms, undefined, { signal }).catch(() => undefined);
    },
    stop: new AbortController().signal,
    onProgress: () => undefined,
    ...options,
  });
}

async function verify(redis: Redis, prefix: string, archive: Archive): Promise<Verification> {
  const generation = await findGeneration(redis, { prefix, shard: 0 });
  if (generation === undefined) throw new Error(`expected a generation of ${prefix}`);
  return verifyShard(redis, generation, { shards: 1, archive, onProgress: () => undefined });
}

/** The text of the metrics, without the lines that change with the clock. */
async function readText(url: string): Promise<string[]> {
  const text = await (await fetch(`${url}/prometheus/metrics`)).text();
  return text.split('\n').filter((line) => !line.startsWith('blocking_oldest_wait_seconds{'));
}

test('after everything is archived, trimmed and restored into an empty Redis, the metrics are the same, bit for bit', async (t) => {
  const archive = await openTestArchive();
  t.teardown(archive.remove);
  const prefix = nextPrefix();
  const aggregator = await startAggregator({ redisUrl: before.url, prefix, batchEntries: 50 });
  t.teardown(aggregator.stop);
  for (let seed = 0; seed < 4; seed++) {
    await appendFlat(before.redis, { prefix }, generateEvents(400, { seed, bad: true }));
    await appendTogether(before.redis, { prefix }, generateEvents(200, { seed: seed + 10, bad: true }));
  }
  await before.redis.xadd(eventsKey({ prefix }), '*', Buffer.from([0xff, 0xfe]), 'no UTF-8');
  await waitUntilFolded(before.redis, { prefix });
  t.is(await archiveAll(prefix, archive), 1_605);
  t.is(await trimAll(before.redis, prefix), 1_605);
  t.is(await before.redis.xlen(eventsKey({ prefix })), 0);
  t.like(await verify(before.redis, prefix, archive), {
    equal: true,
    entries: 1_605,
    missingEntries: 0,
    gaps: [],
  });
  const expected = await readText(aggregator.url);

  t.is(await restore(prefix, archive), 1_605);
  const restored = await startAggregator({ redisUrl: after.url, prefix, batchEntries: 70 });
  t.teardown(restored.stop);
  await waitUntilFolded(after.redis, { prefix });
  t.deepEqual(await readText(restored.url), expected);
  t.is(await after.redis.xlen(`${prefix}:{0}:dead`), await before.redis.xlen(`${prefix}:{0}:dead`));
  t.like(await verify(after.redis, prefix, archive), { equal: true, entries: 1_605, missingEntries: 0 });

  // Afterwards new events get IDs after those of the archive, and are archived after them.
  for (const [redis, url] of [
    [before.redis, aggregator.url],
    [after.redis, restored.url],
  ] as const) {
    await appendFlat(redis, { prefix }, generateEvents(100, { seed: 99 }));
    await waitUntilFolded(redis, { prefix });
    t.truthy(await scrape(url));
  }
  t.deepEqual(
    compareSamples(withoutAges(await scrape(restored.url)), withoutAges(await scrape(aggregator.url))),
    [],
  );
  t.is(await trimAll(after.redis, prefix), 1_605);
  const options = { prefix, shard: 0, shards: 1, archive, settleMs: 0 };
  t.is(await archiveShard(after.redis, options), 100);
  t.is(await trimAll(after.redis, prefix), 100);
  t.like(await verify(after.redis, prefix, archive), { equal: true, entries: 1_705, missingEntries: 0 });
  t.is(await countLost({ redis: after.redis, prefix }), 0);
});

test('trimming archived and folded entries counts none as lost while aggregators come and go', async (t) => {
  const archive = await openTestArchive();
  t.teardown(archive.remove);
  const prefix = nextPrefix();
  for (let round = 0; round < 3; round++) {
    const aggregator = await startAggregator({ redisUrl: before.url, prefix });
    await appendFlat(before.redis, { prefix }, generateEvents(200, { seed: round }));
    await waitUntilFolded(before.redis, { prefix });
    t.is(await archiveAll(prefix, archive), 200);
    t.is(await trimAll(before.redis, prefix), 200);
    await appendFlat(before.redis, { prefix }, []);
    await aggregator.stop();
  }
  const last = await startAggregator({ redisUrl: before.url, prefix });
  t.teardown(last.stop);
  await appendFlat(before.redis, { prefix }, generateEvents(10, { seed: 7 }));
  await waitUntilFolded(before.redis, { prefix });
  t.is(await countLost({ redis: before.redis, prefix }), 0);
  t.like(await verify(before.redis, prefix, archive), { equal: true, entries: 610, missingEntries: 0 });
});

test('an interrupted restore continues where it stopped', async (t) => {
  const archive = await openTestArchive();
  t.teardown(archive.remove);
  const prefix = nextPrefix();
  const events = await fillStream(before.redis, prefix, 1_000);
  const expected = await readWholeStream(before.redis, events);
  await archiveAll(prefix, archive);
  let appended = 0;
  let runs = 0;
  while (appended < 1_000) {
    const stop = new AbortController();
    appended += await restore(prefix, archive, { stop: stop.signal, onProgress: () => stop.abort() });
    runs++;
  }
  t.true(runs > 3);
  t.is(await restore(prefix, archive), 0, 'nothing is left to do');
  t.deepEqual(await readWholeStream(after.redis, events), expected);
  t.deepEqual(await readAll(after.redis, { prefix, shard: 0, archive }), expected);
});

test('a restore keeps no more entries in Redis than its limit, and waits for aggregators', async (t) => {
  const archive = await openTestArchive();
  t.teardown(archive.remove);
  const prefix = nextPrefix();
  await fillStream(before.redis, prefix, 3_000);
  await archiveAll(prefix, archive);
  let most = 0;
  let waited = false;
  const length = (): Promise<number> => after.redis.xlen(eventsKey({ prefix }));
  const restoring = restore(prefix, archive, {
    retentionMs: 0,
    mostAhead: 500,
    onProgress: ({ waiting }) => {
      waited ||= waiting;
      void length().then((entries) => (most = Math.max(most, entries)));
    },
  });
  const aggregator = await startAggregator({ redisUrl: after.url, prefix });
  t.teardown(aggregator.stop);
  t.is(await restoring, 3_000);
  t.true(most <= 1_000, `${most} entries at most`);
  await waitUntilFolded(after.redis, { prefix });
  t.like(await verify(after.redis, prefix, archive), { equal: true, entries: 3_000, missingEntries: 0 });
  t.is(await countLost({ redis: after.redis, prefix }), 0);
});

test('a restore refuses a stream that holds other entries', async (t) => {
  const archive = await openTestArchive();
  t.teardown(archive.remove);
  const prefix = nextPrefix();
  await fillStream(before.redis, prefix, 10);
  await archiveAll(prefix, archive);
  await after.redis.xadd(eventsKey({ prefix }), '*', 'somebody', 'published');
  await t.throwsAsync(restore(prefix, archive), { message: /^restore: expected .*:events to be empty/ });
  await after.redis.del(eventsKey({ prefix }));
  await after.redis.xadd(eventsKey({ prefix }), '5-1', 'an old', 'entry');
  await t.throwsAsync(restore(prefix, archive), {
    message: /1 entry was ever added to it, and the archive has 0/,
  });
  t.is(await after.redis.xlen(eventsKey({ prefix })), 1);
});

test('an archive that begins late, and one with a gap, continue at their end after a restore', async (t) => {
  const archive = await openTestArchive();
  t.teardown(archive.remove);
  const prefix = nextPrefix();
  const events = await fillStream(before.redis, prefix, 100);
  await before.redis.xtrim(events, 'MAXLEN', '=', 60);
  await archiveAll(prefix, archive);
  await fillStream(before.redis, prefix, 50);
  await before.redis.xtrim(events, 'MAXLEN', '=', 20);
  const options = { prefix, shard: 0, shards: 1, archive, settleMs: 0 };
  t.is(await archiveShard(before.redis, { ...options, acceptGap: true }), 20);
  t.is(await restore(prefix, archive), 80);
  await fillStream(after.redis, prefix, 5);
  t.is(await archiveShard(after.redis, options), 5, 'no false gap is reported');
  t.is((await readAll(after.redis, { prefix, shard: 0, archive }, { onGap: () => undefined })).length, 85);
});
