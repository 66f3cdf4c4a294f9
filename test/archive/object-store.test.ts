import { test } from '../harness/ava.ts';
import { archiveShard, listSegments, LogError, openArchive, trimStream } from '@streamfold/archive';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { runStreamfold } from '../harness/run-streamfold.ts';
import { startStreamfold } from '../harness/start-streamfold.ts';
import { startObjectStore } from '../harness/start-object-store.ts';
import { fillStream } from './fill-stream.ts';
import { readAll, readWholeStream } from './read-all.ts';

process.env['AWS_ACCESS_KEY_ID'] = 'test';
process.env['AWS_SECRET_ACCESS_KEY'] = 'test';

const [{ redis, url: redisUrl, stop }, store] = await Promise.all([shareRedis(), startObjectStore()]);
test.after.always(() => Promise.all([stop(), store.stop()]));

const S3 = { endpoint: store.endpoint, region: 'us-east-1', pathStyle: true };
const OPTIONS = { shard: 0, shards: 1, settleMs: 0, bounds: { entries: 50, bytes: 1e9 } };

test('an archive in a bucket is written, listed page by page, and read back', async (t) => {
  const prefix = nextPrefix();
  const archive = await openArchive(`s3://bucket/${prefix}/`, S3);
  t.teardown(archive.close);
  const events = await fillStream(redis, prefix, 420);
  const expected = await readWholeStream(redis, events);
  t.is(await archiveShard(redis, { ...OPTIONS, prefix, archive }), 420);
  await trimStream(redis, { prefix, shard: 0, retentionMs: 0, onlyArchived: true });
  t.is((await listSegments(archive, 0)).length, 9);
  t.deepEqual(await readAll(redis, { prefix, shard: 0, archive }), expected);
  const names = [...store.objects.keys()].filter((name) => name.startsWith(`bucket/${prefix}/shard-0/`));
  t.is(names.length, 18);
});

test('each segment is written by one of two archivers to the same bucket', async (t) => {
  const prefix = nextPrefix();
  const archive = await openArchive(`s3://bucket/${prefix}`, S3);
  t.teardown(archive.close);
  const events = await fillStream(redis, prefix, 300);
  const expected = await readWholeStream(redis, events);
  const written: number[] = [];
  await Promise.all(
    [30, 40, 50].map((entries) =>
      archiveShard(redis, {
        ...OPTIONS,
        prefix,
        archive,
        bounds: { entries, bytes: 1e9 },
        onSegment: ({ sequence }) => written.push(sequence),
      }),
    ),
  );
  const segments = await listSegments(archive, 0);
  t.is(new Set(written).size, written.length);
  t.is(written.length, segments.length);
  t.deepEqual(await readAll(redis, { prefix, shard: 0, archive }), expected);
});

test('a store that overwrites existing objects is refused before anything is written', async (t) => {
  const careless = await startObjectStore({ heedsConditions: false });
  t.teardown(careless.stop);
  const prefix = nextPrefix();
  await fillStream(redis, prefix, 10);
  const archive = await openArchive('s3://bucket/x', { ...S3, endpoint: careless.endpoint });
  t.teardown(archive.close);
  await t.throwsAsync(archiveShard(redis, { ...OPTIONS, prefix, archive }), {
    name: 'ConfigurationError',
    message:
      'archive s3://bucket: expected a store that heeds If-None-Match on PutObject; it overwrote an object',
  });
  t.deepEqual([...careless.objects.keys()], ['bucket/x/conditional-put-probe']);
});

test('an attempt whose manifest is refused removes the data it wrote', async (t) => {
  const strict = await startObjectStore({ refused: /^PUT .*\.json$/ });
  t.teardown(strict.stop);
  const prefix = nextPrefix();
  await fillStream(redis, prefix, 10);
  const archive = await openArchive('s3://bucket/x', { ...S3, endpoint: strict.endpoint });
  t.teardown(archive.close);
  for (let attempt = 0; attempt < 3; attempt++) {
    await t.throwsAsync(archiveShard(redis, { ...OPTIONS, prefix, archive }), {
      name: 'StoreError',
      message: 'archive s3://bucket/x: cannot create shard-0/0000000001.json: AccessDenied',
    });
    await fillStream(redis, prefix, 10);
  }
  t.deepEqual([...strict.objects.keys()], ['bucket/x/conditional-put-probe']);
});

test('a truncated or missing object is named with its range', async (t) => {
  const prefix = nextPrefix();
  const archive = await openArchive(`s3://bucket/${prefix}`, S3);
  t.teardown(archive.close);
  await fillStream(redis, prefix, 100);
  await archiveShard(redis, { ...OPTIONS, prefix, archive });
  const [first, second] = await listSegments(archive, 0);
  const [, name = ''] = [...store.objects.keys()].filter(
    (key) => key.startsWith(`bucket/${prefix}/`) && key.endsWith('.gz'),
  );
  const range = { after: first?.lastId, to: second?.lastId };
  store.objects.set(name, store.objects.get(name)?.subarray(0, 20) ?? Buffer.of());
  const read = (): Promise<unknown> => readAll(redis, { prefix, shard: 0, archive });
  t.like(await t.throwsAsync(read, { instanceOf: LogError }), { reason: 'segment_truncated', ...range });
  store.objects.delete(name);
  t.like(await t.throwsAsync(read, { instanceOf: LogError }), { reason: 'segment_missing', ...range });
});

test('the program archives to a bucket with the settings of the store', async (t) => {
  const prefix = nextPrefix();
  await fillStream(redis, prefix, 20);
  const env = {
    STREAMFOLD_REDIS_URL: redisUrl,
    STREAMFOLD_PREFIX: prefix,
    STREAMFOLD_ARCHIVE: `s3://bucket/${prefix}`,
    STREAMFOLD_ARCHIVE_AFTER_SECONDS: '0',
    STREAMFOLD_S3_ENDPOINT: store.endpoint,
    STREAMFOLD_S3_REGION: 'us-east-1',
    STREAMFOLD_S3_PATH_STYLE: 'true',
  };
  t.like(await runStreamfold(['archive'], { env }), { code: 0, stderr: '' });
  t.like(await runStreamfold(['archive', 'check'], { env }), {
    code: 0,
    stdout: 'shard 0: 1 segment, 20 entries\n',
  });
  const refused = await startStreamfold(['archive', 'check'], {
    env: { ...env, AWS_ACCESS_KEY_ID: '', AWS_EC2_METADATA_DISABLED: 'true' }, // read from the process itself
  }).ended;
  t.is(refused.code, 1);
  t.regex(refused.stderr, /^streamfold: .*[Cc]redential.*\n$/);
});
