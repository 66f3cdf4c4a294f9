import { test } from '../harness/ava.ts';
import { archiveShard, listSegments, readLog, trimStream, type LogEntry } from '@streamfold/archive';
import { openTestArchive } from '../harness/open-test-archive.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { acknowledgeAll, fillStream } from './fill-stream.ts';
import { readAll } from './read-all.ts';

const { redis, stop } = await shareRedis();
test.after.always(stop);

const ONCE = { shard: 0, shards: 1, settleMs: 0 };

test('each segment is written by one of several concurrent archivers, and readers meanwhile read every entry once', async (t) => {
  const archive = await openTestArchive();
  t.teardown(archive.remove);
  const prefix = nextPrefix();
  const events = await fillStream(redis, prefix, 0);
  const published: string[] = [];
  let publishing = true;
  const publish = async (): Promise<void> => {
    for (let round = 0; round < 60; round++) {
      const pipeline = redis.pipeline();
      for (let n = 0; n < 25; n++) pipeline.xadd(events, '*', 'n', String(n));
      for (const [, id] of (await pipeline.exec()) ?? []) published.push(String(id));
      await acknowledgeAll(redis, prefix);
    }
    publishing = false;
  };
  const written: number[] = [];
  const archiveOn = async (entries: number): Promise<void> => {
    while (publishing) {
      await archiveShard(redis, {
        ...ONCE,
        prefix,
        archive,
        bounds: { entries, bytes: 1e9 },
        onSegment: ({ sequence }) => written.push(sequence),
      });
      await trimStream(redis, { prefix, shard: 0, retentionMs: 0, onlyArchived: true, stepEntries: 100 });
    }
  };
  const log = { prefix, shard: 0, archive };
  let reads = 0;
  const read = async (): Promise<void> => {
    while (publishing) {
      const known = published.length;
      const ids = (await readAll(redis, log)).map(({ id }) => id);
      t.true(ids.length >= known);
      if (ids.some((id, at) => id !== published[at] && at < known))
        t.fail('another entry than was published');
      t.is(new Set(ids).size, ids.length);
      reads++;
    }
  };
  await Promise.all([publish(), archiveOn(20), archiveOn(33), archiveOn(47), read(), read()]);
  t.true(reads > 5);
  const segments = await listSegments(archive, 0);
  t.deepEqual(
    written.toSorted((left, right) => left - right),
    segments.map(({ sequence }) => sequence),
    'each is told of by the one that wrote it',
  );
  t.deepEqual(
    (await readAll(redis, log)).map(({ id }) => id),
    published,
  );
});

test('a reader whose entries are archived and trimmed meanwhile continues in the archive', async (t) => {
  const archive = await openTestArchive();
  t.teardown(archive.remove);
  const prefix = nextPrefix();
  await fillStream(redis, prefix, 5_000);
  const entries: LogEntry[] = [];
  const sources = new Set<string>();
  for await (const page of readLog(redis, { prefix, shard: 0, archive })) {
    sources.add(page.source);
    entries.push(...page.entries);
    if (entries.length !== 100) continue; // the first page of the stream is read
    await archiveShard(redis, { ...ONCE, prefix, archive, bounds: { entries: 900, bytes: 1e9 } });
    await trimStream(redis, { prefix, shard: 0, retentionMs: 0, onlyArchived: true });
    await fillStream(redis, prefix, 50);
  }
  t.deepEqual([...sources], ['stream', 'archive']);
  t.is(entries.length, 5_050);
  t.is(new Set(entries.map(({ id }) => id)).size, 5_050);
});

test('without an archive a reader whose entries are trimmed meanwhile reports it, and returns nothing after the gap', async (t) => {
  const prefix = nextPrefix();
  const events = await fillStream(redis, prefix, 5_000);
  let read = 0;
  const gap = await t.throwsAsync(
    async () => {
      for await (const page of readLog(redis, { prefix, shard: 0, archive: undefined })) {
        read += page.entries.length;
        await redis.xtrim(events, 'MAXLEN', '=', 1_000);
      }
    },
    { name: 'LogError', message: /\d+ entries are in neither the archive nor the stream/ },
  );
  const [, missing] = /(\d+) entries are/.exec(gap?.message ?? '') ?? [];
  t.is(read + Number(missing), 4_000, 'the next page may have been read before the entries were trimmed');
});

test('a reader continues if entries are trimmed exactly up to its position: nothing is missing', async (t) => {
  const prefix = nextPrefix();
  const events = await fillStream(redis, prefix, 1_000);
  let read = 0;
  for await (const page of readLog(redis, { prefix, shard: 0, archive: undefined })) {
    read += page.entries.length;
    await redis.xtrim(events, 'MAXLEN', '=', 1_000 - read);
  }
  t.is(read, 1_000);
});
