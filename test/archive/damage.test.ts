import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type ExecutionContext } from '../harness/ava.ts';
import {
  archiveShard,
  dataName,
  listSegments,
  LogError,
  manifestName,
  measureLog,
  readLog,
  trimStream,
  type LogEntry,
  type LogErrorReason,
  type Segment,
} from '@streamfold/archive';
import { openTestArchive, type TestArchive } from '../harness/open-test-archive.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { acknowledgeAll, fillStream } from './fill-stream.ts';
import { readAll } from './read-all.ts';

const { redis, stop } = await shareRedis();
test.after.always(stop);

const OPTIONS = { shard: 0, shards: 1, settleMs: 0, bounds: { entries: 100, bytes: 1e9 } };

interface Archived {
  readonly prefix: string;
  readonly events: string;
  readonly archive: TestArchive;
  readonly segments: readonly Segment[];
  readonly path: (name: string) => string;
}

/** Five segments of a hundred entries, trimmed from the stream, and fifty entries more in the stream. */
async function archiveSome(t: ExecutionContext): Promise<Archived> {
  const archive = await openTestArchive();
  t.teardown(archive.remove);
  const prefix = nextPrefix();
  const events = await fillStream(redis, prefix, 500);
  await archiveShard(redis, { ...OPTIONS, prefix, archive });
  await trimStream(redis, { prefix, shard: 0, retentionMs: 0, onlyArchived: true });
  await fillStream(redis, prefix, 50);
  const segments = await listSegments(archive, 0);
  return { prefix, events, archive, segments, path: (name) => join(archive.directory, name) };
}

/** The entries that are read before the failure, and the failure. */
async function readUntilFault({
  prefix,
  archive,
}: Archived): Promise<{ entries: LogEntry[]; fault: unknown }> {
  const entries: LogEntry[] = [];
  try {
    for await (const page of readLog(redis, { prefix, shard: 0, archive })) entries.push(...page.entries);
    return { entries, fault: undefined };
  } catch (fault) {
    return { entries, fault };
  }
}

/** Checks that the fault names a range, and that no entry after the beginning of the range was returned. */
async function checkNamed(
  t: ExecutionContext,
  archived: Archived,
  expected: { reason: LogErrorReason; after: string; to: string; text: RegExp },
): Promise<void> {
  const { entries, fault } = await readUntilFault(archived);
  if (!(fault instanceof LogError)) return t.fail(`expected a LogError; got ${String(fault)}`);
  const { reason, after, to } = expected;
  t.deepEqual([fault.reason, fault.after, fault.to], [reason, after, to]);
  t.regex(fault.message, expected.text);
  t.true(fault.message.includes(`entries behind ${after} to ${to}`));
  t.is(entries.at(-1)?.id ?? '0-0', after);
}

const [FIRST, THIRD, LAST] = [0, 2, 4];

for (const number of [FIRST, THIRD, LAST]) {
  const name = `segment ${number + 1} of 5`;
  const rangeOf = ({ segments }: Archived): { after: string; to: string } => ({
    after: segments[number]?.previous?.lastId ?? '0-0',
    to: segments[number]?.lastId ?? '',
  });
  const dataOf = ({ segments, path }: Archived): string => {
    const segment = segments[number];
    return segment === undefined ? '' : path(dataName(0, segment));
  };

  test(`${name}: truncated data are named with their range, and none of their entries is returned`, async (t) => {
    const archived = await archiveSome(t);
    await truncate(dataOf(archived), 100);
    const text = /expected \d+ bytes; got 100/;
    await checkNamed(t, archived, { reason: 'segment_truncated', ...rangeOf(archived), text });
  });

  test(`${name}: corrupt data are named with their range, and none of their entries is returned`, async (t) => {
    const archived = await archiveSome(t);
    const bytes = await readFile(dataOf(archived));
    bytes.writeUInt8(bytes.readUInt8(50) ^ 1, 50);
    await writeFile(dataOf(archived), bytes);
    const text = /expected SHA-256 [0-9a-f]{64}; got [0-9a-f]{64}/;
    await checkNamed(t, archived, { reason: 'segment_corrupt', ...rangeOf(archived), text });
  });

  test(`${name}: missing data are named with their range`, async (t) => {
    const archived = await archiveSome(t);
    await rm(dataOf(archived));
    const text = /expected this file; there is none/;
    await checkNamed(t, archived, { reason: 'segment_missing', ...rangeOf(archived), text });
  });

  test(`${name}: a missing manifest is named with the range of its segment`, async (t) => {
    const archived = await archiveSome(t);
    await rm(archived.path(manifestName(0, number + 1)));
    const text = number === LAST ? /expected segments up to 5 .*there are segments up to 4/ : /there is none/;
    await checkNamed(t, archived, { reason: 'segment_missing', ...rangeOf(archived), text });
  });
}

test('a manifest that is not JSON, or lacks a field, is named with the range of its segment', async (t) => {
  for (const content of ['', '{', '{}', '[]', '{"format":2}']) {
    const archived = await archiveSome(t);
    await writeFile(archived.path(manifestName(0, 2)), content);
    const [, second] = archived.segments;
    const range = { after: second?.previous?.lastId ?? '', to: second?.lastId ?? '' };
    await checkNamed(t, archived, { reason: 'segment_corrupt', ...range, text: /0000000002\.json/ });
  }
});

test('a manifest whose numbers do not match its data is refused', async (t) => {
  const archived = await archiveSome(t);
  const [first] = archived.segments;
  const changed = { ...first, entries: 99 };
  await writeFile(archived.path(manifestName(0, 1)), JSON.stringify(changed));
  const range = { after: '0-0', to: first?.lastId ?? '' };
  await checkNamed(t, archived, {
    reason: 'segment_corrupt',
    ...range,
    text: /expected 99 entries; got 100/,
  });
});

test('a segment of another archive in the place of one breaks the chain', async (t) => {
  const archived = await archiveSome(t);
  const other = await archiveSome(t);
  const [, , third] = other.segments;
  if (third === undefined) return t.fail();
  for (const name of [manifestName(0, 3), dataName(0, third)]) {
    await writeFile(archived.path(name), await readFile(other.path(name)));
  }
  const { fault, entries } = await readUntilFault(archived);
  t.true(fault instanceof LogError && fault.reason === 'chain_broken');
  t.is(entries.length, 200);
});

test('an archive other than the one recorded in Redis is neither read nor written', async (t) => {
  const archived = await archiveSome(t);
  const empty = await openTestArchive();
  t.teardown(empty.remove);
  const { segments, prefix } = archived;
  const range = { after: '0-0', to: segments.at(-1)?.lastId ?? '' };
  const text = /expected segments up to 5 in .*, as Redis has recorded; there are none/;
  await checkNamed(t, { ...archived, archive: empty }, { reason: 'segment_missing', ...range, text });
  await t.throwsAsync(archiveShard(redis, { ...OPTIONS, prefix, archive: empty }), {
    instanceOf: LogError,
    message: text,
  });
  t.deepEqual(await readdir(empty.directory), []);
});

test('entries that somebody trimmed before they were archived are a gap, which is named and never skipped unless asked', async (t) => {
  const archived = await archiveSome(t);
  const { prefix, events, archive, segments } = archived;
  await redis.xtrim(events, 'MAXLEN', '=', 20);
  const [[firstId] = ['']] = await redis.xrange(events, '-', '+', 'COUNT', 1);
  const after = segments.at(-1)?.lastId ?? '';
  const { fault, entries } = await readUntilFault(archived);
  t.true(fault instanceof LogError);
  t.like(fault, { reason: 'gap', after, entries: 30 });
  t.is(entries.length, 500);
  await t.throwsAsync(archiveShard(redis, { ...OPTIONS, prefix, archive }), {
    message: /30 entries were trimmed from the stream before they were archived/,
  });

  const told: LogError[] = [];
  const log = { prefix, shard: 0, archive };
  const read = await readAll(redis, log, { onGap: (gap) => told.push(gap) });
  t.is(read.length, 520);
  t.is(told.length, 1);
  t.like(await measureLog(redis, log), {
    archivedEntries: 500,
    streamEntries: 20,
    gaps: [{ after, entries: 30 }],
  });

  t.is(await archiveShard(redis, { ...OPTIONS, prefix, archive, acceptGap: true }), 20);
  const written = (await listSegments(archive, 0)).at(-1);
  t.like(written, { sequence: 6, firstId, missing: 30, entriesBefore: 530, entries: 20 });
  const again = await readUntilFault(archived);
  t.like(again.fault, { reason: 'gap', after, entries: 30 }, 'it is written down');
  t.like(await measureLog(redis, log), {
    archivedEntries: 520,
    streamEntries: 0,
    gaps: [{ after, entries: 30 }],
  });
  t.is(
    (await readAll(redis, log, { after: written?.firstId ?? '' })).length,
    19,
    'behind the gap nothing is missing',
  );
});

test('a log that begins late is read from its beginning, and reports what is missing before', async (t) => {
  const prefix = nextPrefix();
  const events = await fillStream(redis, prefix, 100);
  await redis.xtrim(events, 'MAXLEN', '=', 70);
  const withoutArchive = { prefix, shard: 0, archive: undefined };
  t.is((await readAll(redis, withoutArchive)).length, 70);
  t.like(await measureLog(redis, withoutArchive), { missingBefore: 30, streamEntries: 70 });
  const archive = await openTestArchive();
  t.teardown(archive.remove);
  t.is((await readAll(redis, { prefix, shard: 0, archive })).length, 70, 'an archive that is empty yet');
  await archiveShard(redis, { ...OPTIONS, prefix, archive, bounds: { entries: 50, bytes: 1e9 } });
  const log = { prefix, shard: 0, archive };
  t.is((await readAll(redis, log)).length, 70);
  t.like(await measureLog(redis, log), {
    missingBefore: 30,
    archivedEntries: 70,
    streamEntries: 0,
    gaps: [],
  });
});

test('readers and archivers report a Redis that has gone back behind its archive', async (t) => {
  const archived = await archiveSome(t);
  const { prefix, events, archive, segments } = archived;
  const last = segments.at(-1)?.lastId ?? '';
  await redis.del(events, `${prefix}:{0}:archived`);
  const text = /Redis has gone back to an older state, or is new/;
  const fault = (await readUntilFault(archived)).fault;
  t.like(fault, { reason: 'stream_behind', after: '0-0', to: last });
  await fillStream(redis, prefix, 10); // their IDs are later: only the number of entries shows the difference
  await acknowledgeAll(redis, prefix);
  t.like((await readUntilFault(archived)).fault, { reason: 'stream_behind' });
  await t.throwsAsync(archiveShard(redis, { ...OPTIONS, prefix, archive }), { message: text });
  t.is((await listSegments(archive, 0)).length, 5);
});
