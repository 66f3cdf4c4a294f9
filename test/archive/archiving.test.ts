import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from '../harness/ava.ts';
import {
  archiveShard,
  listSegments,
  measureLog,
  readArchive,
  readArchived,
  trimStream,
  type LogEntry,
} from '@streamfold/archive';
import { openTestArchive } from '../harness/open-test-archive.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { waitUntil } from '../harness/wait-until.ts';
import { acknowledgeAll, fillStream } from './fill-stream.ts';
import { readAll, readWholeStream } from './read-all.ts';

const { redis, stop } = await shareRedis();
test.after.always(stop);

const NO_SETTLING = { shard: 0, shards: 1, settleMs: 0 };
const ALL_OLD = { shard: 0, retentionMs: 0, onlyArchived: true };

test('archived and trimmed entries are read back, then those still in the stream, each once and in order', async (t) => {
  const archive = await openTestArchive();
  t.teardown(archive.remove);
  const prefix = nextPrefix();
  const events = await fillStream(redis, prefix, 2_500);
  const bounds = { entries: 700, bytes: 1e9 };
  const options = { ...NO_SETTLING, prefix, archive, bounds };
  t.is(await archiveShard(redis, options), 2_500);
  const expected = await readWholeStream(redis, events);
  const log = { prefix, shard: 0, archive };
  t.deepEqual(await readAll(redis, log), expected, 'archived and still in the stream');
  t.is(await trimStream(redis, { ...ALL_OLD, prefix, stepEntries: 1_000 }), 2_500);
  t.is(await redis.xlen(events), 0);
  t.deepEqual(await readAll(redis, log), expected, 'in the archive alone');
  await fillStream(redis, prefix, 1_200);
  expected.push(...(await readWholeStream(redis, events)));
  t.deepEqual(await readAll(redis, log), expected, 'in both');
  t.is(await archiveShard(redis, options), 1_200);
  t.deepEqual(await readAll(redis, log), expected);
  const segments = await listSegments(archive, 0);
  t.deepEqual(
    segments.map(({ sequence, entries }) => [sequence, entries]),
    [
      [1, 700],
      [2, 700],
      [3, 700],
      [4, 400],
      [5, 700],
      [6, 500],
    ],
  );
  t.like(await readArchived(redis, { prefix, shard: 0 }), {
    lastId: segments.at(-1)?.lastId ?? '',
    sequence: 6,
    position: 3_700,
  });
  t.like(await measureLog(redis, log), {
    segments: 6,
    archivedEntries: 3_700,
    onlyArchivedEntries: 2_500,
    streamEntries: 0,
    missingBefore: 0,
    gaps: [],
  });
});

test('any range of the log can be read: after one ID, up to another', async (t) => {
  const archive = await openTestArchive();
  t.teardown(archive.remove);
  const prefix = nextPrefix();
  const events = await fillStream(redis, prefix, 1_000);
  await archiveShard(redis, { ...NO_SETTLING, prefix, archive, bounds: { entries: 130, bytes: 1e9 } });
  const all = await readWholeStream(redis, events);
  await trimStream(redis, { ...ALL_OLD, prefix });
  await fillStream(redis, prefix, 300);
  all.push(...(await readWholeStream(redis, events)));
  const log = { prefix, shard: 0, archive };
  for (const from of [0, 1, 129, 130, 131, 500, 999, 1_000, 1_001, 1_299]) {
    for (const to of [0, 130, 131, 640, 999, 1_000, 1_100, 1_299]) {
      const range = { after: all[from]?.id ?? '', to: all[to]?.id ?? '' };
      t.deepEqual(await readAll(redis, log, range), all.slice(from + 1, to + 1), `${from} to ${to}`);
    }
  }
});

test('fields that are not UTF-8 are kept byte for byte', async (t) => {
  const archive = await openTestArchive();
  t.teardown(archive.remove);
  const prefix = nextPrefix();
  const events = await fillStream(redis, prefix, 0);
  const bytes = Buffer.from([0xff, 0x00, 0xc3, 0x28, 0x0a]);
  await redis.xadd(events, '*', 'raw', bytes, 'text', 'ü "quoted"\n\u2028', '', '');
  await acknowledgeAll(redis, prefix);
  const expected = await readWholeStream(redis, events);
  await archiveShard(redis, { ...NO_SETTLING, prefix, archive });
  await trimStream(redis, { ...ALL_OLD, prefix });
  t.deepEqual(await readAll(redis, { prefix, shard: 0, archive }), expected);
  const [data = ''] = (await readdir(join(archive.directory, 'shard-0'))).filter((name) =>
    name.endsWith('.gz'),
  );
  t.not(data, '');
});

test('entries that a generation has not folded are neither archived nor trimmed', async (t) => {
  const archive = await openTestArchive();
  t.teardown(archive.remove);
  const prefix = nextPrefix();
  const events = await fillStream(redis, prefix, 100);
  const options = { ...NO_SETTLING, prefix, archive };
  await redis.xgroup('CREATE', events, `${prefix}:2-building`, '0');
  t.is(await archiveShard(redis, options), 0, 'nothing is folded by the one that is being built');
  await redis.xreadgroup('GROUP', `${prefix}:2-building`, 'c', 'COUNT', 40, 'STREAMS', events, '>');
  const ids = (await redis.xrange(events, '-', '+')).map(([id]) => id);
  await redis.xack(events, `${prefix}:2-building`, ...ids.slice(0, 30));
  t.is(await archiveShard(redis, options), 30, 'ten are pending');
  t.is(await trimStream(redis, { ...ALL_OLD, prefix }), 30);
  await redis.xgroup('DESTROY', events, `${prefix}:2-building`);
  t.is(await trimStream(redis, { ...ALL_OLD, prefix }), 0, 'the rest is not archived');
  t.is(await archiveShard(redis, options), 70);
  t.is(await trimStream(redis, { ...ALL_OLD, prefix }), 70);
});

test('a foreign consumer group holds back trimming, but not archiving', async (t) => {
  const archive = await openTestArchive();
  t.teardown(archive.remove);
  const prefix = nextPrefix();
  const events = await fillStream(redis, prefix, 100);
  await redis.xgroup('CREATE', events, 'audit', '0');
  t.is(await archiveShard(redis, { ...NO_SETTLING, prefix, archive }), 100);
  t.is(await trimStream(redis, { ...ALL_OLD, prefix }), 0);
  await redis.xreadgroup('GROUP', 'audit', 'c', 'COUNT', 60, 'STREAMS', events, '>');
  t.is(await trimStream(redis, { ...ALL_OLD, prefix }), 0, 'sixty are pending');
  const ids = (await redis.xrange(events, '-', '+')).map(([id]) => id);
  await redis.xack(events, 'audit', ...ids.slice(0, 50));
  t.is(await trimStream(redis, { ...ALL_OLD, prefix }), 50);
  await redis.xack(events, 'audit', ...ids.slice(50, 60));
  t.is(await trimStream(redis, { ...ALL_OLD, prefix }), 10);
  t.is(await redis.xlen(events), 40);
});

test('nothing is archived or trimmed if no generation reads the stream', async (t) => {
  const archive = await openTestArchive();
  t.teardown(archive.remove);
  const prefix = nextPrefix();
  const events = await fillStream(redis, prefix, 20);
  await redis.xgroup('DESTROY', events, `${prefix}:1-test`);
  t.is(await archiveShard(redis, { ...NO_SETTLING, prefix, archive }), 0);
  t.is(await trimStream(redis, { prefix, shard: 0, retentionMs: 0, onlyArchived: false }), 0);
  t.is(
    await archiveShard(redis, { ...NO_SETTLING, prefix: nextPrefix(), archive }),
    0,
    'nor where there is none',
  );
});

test('without an archive a retention trims folded entries; entries of a stream archived elsewhere wait for that archive', async (t) => {
  const prefix = nextPrefix();
  const events = await fillStream(redis, prefix, 250);
  await redis.xadd(events, '*', 'not', 'folded');
  t.is(
    await trimStream(redis, { prefix, shard: 0, retentionMs: 3_600_000, onlyArchived: false }),
    0,
    'all is young',
  );
  t.is(await trimStream(redis, { ...ALL_OLD, prefix }), 0, 'nothing is archived');
  t.is(await trimStream(redis, { prefix, shard: 0, retentionMs: 0, onlyArchived: false }), 250);
  t.is(await redis.xlen(events), 1);

  const archive = await openTestArchive();
  t.teardown(archive.remove);
  const archived = nextPrefix();
  await fillStream(redis, archived, 10);
  await archiveShard(redis, { ...NO_SETTLING, prefix: archived, archive });
  await fillStream(redis, archived, 10);
  t.is(await trimStream(redis, { prefix: archived, shard: 0, retentionMs: 0, onlyArchived: false }), 10);
});

test('entries too young to be safe from a failover are not archived yet', async (t) => {
  const archive = await openTestArchive();
  t.teardown(archive.remove);
  const prefix = nextPrefix();
  await fillStream(redis, prefix, 10);
  t.is(await archiveShard(redis, { ...NO_SETTLING, prefix, archive, settleMs: 60_000 }), 0);
});

test('a dry run reports every segment and writes nothing', async (t) => {
  const archive = await openTestArchive();
  t.teardown(archive.remove);
  const prefix = nextPrefix();
  await fillStream(redis, prefix, 100);
  const entries: number[] = [];
  const options = { ...NO_SETTLING, prefix, archive, bounds: { entries: 40, bytes: 1e9 }, dryRun: true };
  t.is(await archiveShard(redis, { ...options, onSegment: (segment) => entries.push(segment.entries) }), 100);
  t.deepEqual(entries, [40, 40, 20]);
  t.deepEqual(await readdir(archive.directory), []);
  t.is(await readArchived(redis, { prefix, shard: 0 }), undefined);
});

test('a segment is also limited in bytes, and an entry larger than the limit is a segment of its own', async (t) => {
  const archive = await openTestArchive();
  t.teardown(archive.remove);
  const prefix = nextPrefix();
  const events = await fillStream(redis, prefix, 3);
  await redis.xadd(events, '*', 'large', 'x'.repeat(5_000));
  await fillStream(redis, prefix, 3);
  await archiveShard(redis, { ...NO_SETTLING, prefix, archive, bounds: { entries: 1e9, bytes: 2_000 } });
  t.deepEqual(
    (await listSegments(archive, 0)).map(({ entries }) => entries),
    [4, 3],
  );
});

test('entries with the largest IDs that Redis accepts are archived and trimmed like others', async (t) => {
  const archive = await openTestArchive();
  t.teardown(archive.remove);
  const prefix = nextPrefix();
  const events = await fillStream(redis, prefix, 0);
  const ids = [
    '9-18446744073709551615',
    '10-0',
    '99-9',
    '99-10',
    '1700000000000-18446744073709551614',
    '1700000000000-18446744073709551615',
  ];
  for (const id of ids) await redis.xadd(events, id, 'a', 'b');
  await acknowledgeAll(redis, prefix);
  t.is(await archiveShard(redis, { ...NO_SETTLING, prefix, archive, bounds: { entries: 1, bytes: 1e9 } }), 6);
  t.is(await trimStream(redis, { ...ALL_OLD, prefix }), 6);
  t.deepEqual(
    (await readAll(redis, { prefix, shard: 0, archive })).map(({ id }) => id),
    ids,
  );
});

test('the archive alone is read without the stream, which may hold the same entries and more', async (t) => {
  const archive = await openTestArchive();
  t.teardown(archive.remove);
  const prefix = nextPrefix();
  const events = await fillStream(redis, prefix, 200);
  const log = { prefix, shard: 0, archive };
  const read = async (after: string, to?: string): Promise<LogEntry[]> => {
    const entries: LogEntry[] = [];
    for await (const page of readArchive(redis, log, { after, ...(to === undefined ? {} : { to }) })) {
      entries.push(...page);
    }
    return entries;
  };
  t.deepEqual(await read('0-0'), [], 'nothing is archived yet');
  await archiveShard(redis, { ...NO_SETTLING, prefix, archive, bounds: { entries: 60, bytes: 1e9 } });
  const all = await readWholeStream(redis, events);
  await fillStream(redis, prefix, 20);
  t.deepEqual(await read('0-0'), all);
  t.deepEqual(await read(all[10]?.id ?? '', all[170]?.id), all.slice(11, 171));
});

for (const [unit, id] of [
  ['microseconds', '1764000000000000-0'],
  ['nanoseconds', '1764000000000000000-0'],
  ['the last millisecond of all', '18446744073709551615-7'],
] as const) {
  test(`an entry with an ID in ${unit} does not stop archiving and trimming: ages are then measured with marks`, async (t) => {
    const archive = await openTestArchive();
    t.teardown(archive.remove);
    const prefix = nextPrefix();
    const events = await fillStream(redis, prefix, 50);
    await redis.xadd(events, id, 'far', 'ahead');
    await fillStream(redis, prefix, 200);
    const options = { ...NO_SETTLING, prefix, archive };
    t.is(
      await archiveShard(redis, { ...options, settleMs: 3_600_000 }),
      0,
      'nothing is known to be an hour old',
    );
    t.is(await archiveShard(redis, options), 251);
    t.is(await trimStream(redis, { ...ALL_OLD, prefix, retentionMs: 3_600_000 }), 0, 'all is young');
    t.is(await trimStream(redis, { ...ALL_OLD, prefix }), 251);
    t.is(await redis.xlen(events), 0);
    t.true((await redis.zcard(`${prefix}:{0}:ages`)) > 0);
  });
}

test('a pending entry with an ID ahead of the clock holds back only itself and the entries after it', async (t) => {
  const archive = await openTestArchive();
  t.teardown(archive.remove);
  const prefix = nextPrefix();
  const events = await fillStream(redis, prefix, 50);
  await redis.xadd(events, '1764000000000000000-0', 'far', 'ahead');
  await redis.xreadgroup('GROUP', `${prefix}:1-test`, 'c', 'COUNT', 1, 'STREAMS', events, '>');
  t.is(await archiveShard(redis, { ...NO_SETTLING, prefix, archive }), 50);
  t.is(await trimStream(redis, { ...ALL_OLD, prefix }), 50);
});

test('age marks stay few, and are removed once no ID is ahead of the clock', async (t) => {
  const prefix = nextPrefix();
  const events = await fillStream(redis, prefix, 5);
  const [seconds] = await redis.time();
  await redis.xsetid(events, `${(Number(seconds) + 2) * 1_000}-0`);
  const ages = `${prefix}:{0}:ages`;
  const marks = Array.from({ length: 3_000 }, (_, n) => [(Number(seconds) - 3 * n) * 1_000, `1-${n}`]);
  await redis.zadd(ages, ...marks.flat());
  const trim = { prefix, shard: 0, retentionMs: 3_600_000, onlyArchived: false };
  await trimStream(redis, trim);
  const left = await redis.zcard(ages);
  t.true(left > 20 && left < 120, `${left} marks`);
  await waitUntil('the clock to pass the last ID', async () => {
    await trimStream(redis, trim);
    return (await redis.exists(ages)) === 0;
  });
});
