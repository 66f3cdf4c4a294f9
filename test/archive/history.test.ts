import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type ExecutionContext } from '../harness/ava.ts';
import {
  archiveShard,
  decideArchive,
  listSegments,
  LogError,
  manifestName,
  measureLog,
  readArchived,
  readArchiveStop,
  trimStream,
  type ArchiveOptions,
  type LogErrorReason,
} from '@streamfold/archive';
import type { Redis } from 'ioredis';
import { openTestArchive, type TestArchive } from '../harness/open-test-archive.ts';
import { nextPrefix, shareRedis, startRedis } from '../harness/start-redis.ts';
import { fillStream } from './fill-stream.ts';
import { readAll, readWholeStream } from './read-all.ts';

const [server, other] = await Promise.all([shareRedis(), startRedis()]);
test.after.always(() => Promise.all([server.stop(), other.stop()]));
const { redis } = server;

const ONCE = { shard: 0, shards: 1, settleMs: 0 };

interface Installation {
  readonly prefix: string;
  readonly events: string;
  readonly archive: TestArchive;
  readonly run: (on?: Redis, options?: Partial<ArchiveOptions>) => Promise<number>;
  /** Copies stream and record, as a backup or a copy of the whole Redis does; returns a function that puts them into a Redis. */
  readonly save: () => Promise<(to: Redis) => Promise<void>>;
}

/** An installation with one archived segment of 100 entries, which are trimmed, and 20 entries in the stream. */
async function install(t: ExecutionContext): Promise<Installation> {
  const archive = await openTestArchive();
  t.teardown(archive.remove);
  const prefix = nextPrefix();
  const events = await fillStream(redis, prefix, 100);
  const run: Installation['run'] = (on = redis, options = {}) =>
    archiveShard(on, { ...ONCE, prefix, archive, ...options });
  t.is(await run(), 100);
  await trimAll(redis, prefix);
  await fillStream(redis, prefix, 20);
  const keys = [events, `${prefix}:{0}:archived`];
  const save: Installation['save'] = async () => {
    const saved = await Promise.all(keys.map((key) => redis.dumpBuffer(key)));
    return async (to) => {
      for (const [at, key] of keys.entries()) await to.restore(key, 0, saved[at] ?? '', 'REPLACE');
    };
  };
  return { prefix, events, archive, run, save };
}

function trimAll(on: Redis, prefix: string): Promise<number> {
  return trimStream(on, { prefix, shard: 0, retentionMs: 0, onlyArchived: true });
}

async function checkStopped(
  t: ExecutionContext,
  { prefix, run }: Installation,
  { on = redis, reason = 'other_history' as LogErrorReason, options = {} as Partial<ArchiveOptions> },
): Promise<void> {
  const error = await t.throwsAsync(run(on, options), { instanceOf: LogError });
  t.is(error?.reason, reason, error?.message);
  t.regex(error?.message ?? '', /see "When archiving stops" in docs\/archive\.md/);
  t.like(await readArchiveStop(on, { prefix, shard: 0 }), { reason, detail: error?.message ?? '' });
}

test('after Redis was restored from a backup archiving stops, even once more entries were published than were lost', async (t) => {
  const installation = await install(t);
  const { prefix, events, archive, run, save } = installation;
  const restore = await save();
  await fillStream(redis, prefix, 50);
  t.is(await run(), 70);
  await trimAll(redis, prefix);
  await restore(redis);
  for (const published of [0, 50, 50]) {
    await fillStream(redis, prefix, published);
    const reason = published === 0 ? 'stream_behind' : 'other_history';
    await checkStopped(t, installation, { reason });
    await checkStopped(t, installation, { reason, options: { acceptGap: true } });
    t.is(await trimAll(redis, prefix), 0, 'nothing is trimmed that is not archived');
  }
  const inStream = await readWholeStream(redis, events);
  const log = await readAll(redis, { prefix, shard: 0, archive });
  t.deepEqual(log.slice(100), inStream, 'readers read no entry of the lost state');
  t.is((await readArchived(redis, { prefix, shard: 0 }))?.sequence, 1);
});

test('a copy of an installation does not mix its entries into the archive, and trims no unarchived entry', async (t) => {
  const installation = await install(t);
  const { prefix, archive, run, save } = installation;
  const restore = await save();
  await restore(other.redis);
  await fillStream(redis, prefix, 30);
  await fillStream(other.redis, prefix, 60);
  t.is(await run(), 50, 'the original comes first');
  await checkStopped(t, installation, { on: other.redis });
  t.is(await trimAll(other.redis, prefix), 0);
  t.is((await listSegments(archive, 0)).length, 2);
  t.is(await run(), 0, 'the original is not disturbed');
});

test('if a copy archives first, the original stops instead of adopting its entries; once those are discarded, the original continues', async (t) => {
  const installation = await install(t);
  const { prefix, archive, run, save } = installation;
  const restore = await save();
  await restore(other.redis);
  await fillStream(redis, prefix, 30);
  await fillStream(other.redis, prefix, 60);
  t.is(await run(other.redis), 80);
  await checkStopped(t, installation, { reason: 'stream_behind' });
  t.is(await trimAll(redis, prefix), 0);
  const decide = { prefix, shard: 0, archive };
  t.is(
    await decideArchive(redis, 'discard_unrecorded', decide),
    '1 unrecorded segment is removed; the archive ends with segment 1',
  );
  t.is(await run(), 50);
  t.is(await readArchiveStop(redis, { prefix, shard: 0 }), undefined, 'the stop is over');
  t.is((await readdir(join(archive.directory, 'shard-0'))).length, 4);
  t.is((await readAll(redis, { prefix, shard: 0, archive })).length, 150);
});

test('a stream that was deleted and filled again is not taken for the archived one, whatever gap is accepted', async (t) => {
  const installation = await install(t);
  const { prefix, events } = installation;
  await redis.del(events);
  await fillStream(redis, prefix, 150);
  await checkStopped(t, installation, { options: { acceptGap: true } });
  const log = { prefix, shard: 0, archive: installation.archive };
  for (const read of [readAll, measureLog]) {
    const error = await t.throwsAsync(read(redis, log), { instanceOf: LogError });
    t.is(error?.reason, 'stream_behind');
  }
});

test('an archive and a record of an earlier version are adopted with the next segment', async (t) => {
  const { prefix, archive, run } = await install(t);
  await redis.hdel(`${prefix}:{0}:archived`, 'history', 'digest');
  const path = join(archive.directory, manifestName(0, 1));
  const { history: _, ...manifest } = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  await writeFile(path, JSON.stringify(manifest));
  t.is((await readAll(redis, { prefix, shard: 0, archive })).length, 120);
  t.is(await run(), 20);
  const [first, second] = await listSegments(archive, 0);
  t.is(first?.history, undefined);
  t.regex(second?.history ?? '', /^[0-9a-f-]{36}$/);
  t.like(await readArchived(redis, { prefix, shard: 0 }), {
    history: second?.history,
    sha256: second?.sha256,
  });
  // An archiver of the earlier version, which runs beside this one during an upgrade, records no identity.
  await redis.hdel(`${prefix}:{0}:archived`, 'digest');
  await fillStream(redis, prefix, 10);
  t.is(await run(), 10);
  t.is((await listSegments(archive, 0)).at(-1)?.history, second?.history, 'it stays the same');
});

test('an archive whose record was lost is adopted only if the stream continues it exactly', async (t) => {
  const installation = await install(t);
  const { prefix, archive, run } = installation;
  await redis.del(`${prefix}:{0}:archived`);
  await checkStopped(t, installation, {});
  const decide = { prefix, shard: 0, archive };
  t.regex(await decideArchive(redis, 'adopt', decide), /^the archive is adopted up to segment 1/);
  t.is(await run(), 20);
  const stranger = nextPrefix();
  await fillStream(redis, stranger, 300);
  await t.throwsAsync(decideArchive(redis, 'adopt', { ...decide, prefix: stranger }), {
    name: 'ConfigurationError',
    message:
      /^adopt: expected the stream \S+ to continue the archive, .* it begins after that and has lost only 0 entries/,
  });
});

test('a new archive is begun only in an empty place, and the previous one is then no longer written', async (t) => {
  const installation = await install(t);
  const { prefix, archive, run } = installation;
  await t.throwsAsync(decideArchive(other.redis, 'begin_new', { prefix: nextPrefix(), shard: 0, archive }), {
    message: /^begin_new: expected no segments of shard 0 in .*; there are segments up to 1/,
  });
  const place = await openTestArchive();
  t.teardown(place.remove);
  const before = await readArchived(redis, { prefix, shard: 0 });
  await decideArchive(redis, 'begin_new', { prefix, shard: 0, archive: place });
  t.is(await run(redis, { archive: place }), 20);
  const [first] = await listSegments(place, 0);
  t.like(first, { sequence: 1, missing: 100, entries: 20 });
  t.not(first?.history, before?.history);
  await checkStopped(t, { ...installation, archive }, {});
});

test('an archive in which a segment was replaced by another is not continued', async (t) => {
  const { prefix, archive, run } = await install(t);
  const path = join(archive.directory, manifestName(0, 1));
  const manifest = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  await writeFile(path, JSON.stringify({ ...manifest, sha256: '0'.repeat(64) }));
  const error = await t.throwsAsync(run(), { instanceOf: LogError });
  t.is(error?.reason, 'other_history');
  t.is((await readArchiveStop(redis, { prefix, shard: 0 }))?.reason, 'other_history');
});
