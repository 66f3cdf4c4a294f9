import { test } from '../harness/ava.ts';
import { createEntriesParser, createReplyTap, type ReplyTap } from '@streamfold/aggregator';
import { connectRedis } from '@streamfold/redis';
import { Redis } from 'ioredis';
import { appendFlat } from '../harness/append-events.ts';
import { compareSamples } from '../harness/compare-samples.ts';
import { startDribblingProxy } from '../harness/dribbling-proxy.ts';
import { createRandom, generateEvents } from '../harness/generate-events.ts';
import { foldReference } from '../harness/reference-fold.ts';
import { scrape, withoutAges } from '../harness/scrape.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { waitUntilFolded } from '../harness/wait-until-folded.ts';
import { waitUntil } from '../harness/wait-until.ts';

const { redis, port, url, stop } = await shareRedis();

const random = createRandom(5);
/** Usually a few bytes, sometimes many: cuts fall everywhere, and the test still ends. */
const dribbling = await startDribblingProxy(port, () =>
  random() < 0.9 ? 1 + Math.floor(random() * 40) : 900,
);
test.after.always(async () => {
  await dribbling.stop();
  await stop();
});
const throughProxy = `redis://127.0.0.1:${dribbling.port}`;

/** A connection as the product opens it, with a tap. */
async function openTapped(target: string) {
  const connection = connectRedis(target, { name: 'tapped', commandTimeoutMs: 5_000 });
  if (!(connection instanceof Redis)) throw new TypeError('expected a single connection');
  connection.connect().catch(() => undefined);
  await waitUntil('the connection to be ready', () => connection.status === 'ready');
  return { connection, tap: createReplyTap(connection) };
}

async function openStream(): Promise<string> {
  const key = nextPrefix();
  await redis.xgroup('CREATE', key, 'g', '0', 'MKSTREAM');
  return key;
}

async function readAll(tap: ReplyTap, send: () => Promise<unknown>): Promise<unknown[]> {
  const entries: unknown[] = [];
  await tap.read(
    send,
    createEntriesParser(({ id, fields }) => entries.push({ id, fields })),
  );
  return entries;
}

test('entries read through the tap are the entries of the stream, in chunks of any size', async (t) => {
  const { connection, tap } = await openTapped(throughProxy);
  t.teardown(() => connection.disconnect());
  const key = await openStream();
  const pipeline = redis.pipeline();
  for (const event of generateEvents(300, { seed: 1 })) {
    pipeline.xadd(key, '*', ...Object.entries({ ...event, note: 'é€😀\r\n' }).flat());
  }
  await pipeline.exec();
  const expected = (await redis.xrange(key, '-', '+')).map(([id, fields]) => ({ id, fields }));
  const read: unknown[] = [];
  while (read.length < expected.length) {
    const count = 1 + Math.floor(random() * 60);
    const send = () => connection.xreadgroup('GROUP', 'g', 'c', 'COUNT', count, 'STREAMS', key, '>');
    await tap.read(
      send,
      createEntriesParser(({ id, fields }) => read.push({ id, fields })),
    );
  }
  t.deepEqual(read, expected);
});

for (const [how, target] of [
  ['at once', url],
  ['byte by byte', throughProxy],
] as const) {
  // prettier-ignore
  test(`nil, errors and entries in turn keep commands and replies matched if replies arrive ${how}`, async (t) => {
    const { connection, tap } = await openTapped(target);
    t.teardown(() => connection.disconnect());
    const key = await openStream();
    const readNew = () =>
      readAll(tap, () => connection.xreadgroup('GROUP', 'g', 'c', 'COUNT', 10, 'BLOCK', 1, 'STREAMS', key, '>'));
    const readNoGroup = () => readAll(tap, () => connection.xreadgroup('GROUP', 'no', 'c', 'STREAMS', key, '>'));
    for (let round = 0; round < 20; round++) {
      t.deepEqual(await readNew(), []);
      await t.throwsAsync(readNoGroup(), { message: /^NOGROUP/ });
      const id = await redis.xadd(key, '*', 'round', String(round));
      t.deepEqual(await readNew(), [{ id, fields: ['round', String(round)] }]);
      t.is(await connection.echo(`in step ${round}`), `in step ${round}`);
    }
  });
}

for (const [how, target] of [
  ['at once', url],
  ['byte by byte', throughProxy],
] as const) {
  // prettier-ignore
  test(`reads that are sent without waiting for each other get their own replies if these arrive ${how}`, async (t) => {
    const { connection, tap } = await openTapped(target);
    t.teardown(() => connection.disconnect());
    const key = await openStream();
    for (let round = 0; round < 10; round++) {
      const ids = await Promise.all(['1', '2', '3'].map((value) => redis.xadd(key, '*', 'value', value)));
      const read = (group: string) =>
        readAll(tap, () => connection.xreadgroup('GROUP', group, 'c', 'COUNT', 1, 'STREAMS', key, '>'));
      const reads = ['g', 'no', 'g', 'g', 'g', 'no'].map(read);
      const outcomes = await Promise.allSettled(reads);
      t.deepEqual(
        outcomes.map((outcome) =>
          outcome.status === 'fulfilled' ? outcome.value : String(outcome.reason).slice(0, 19),
        ),
        [
          [{ id: ids[0] ?? '', fields: ['value', '1'] }],
          'ReplyError: NOGROUP',
          [{ id: ids[1] ?? '', fields: ['value', '2'] }],
          [{ id: ids[2] ?? '', fields: ['value', '3'] }],
          [],
          'ReplyError: NOGROUP',
        ],
      );
      t.is(await connection.echo(`in step ${round}`), `in step ${round}`);
    }
  });
}

test('a lost connection rejects the read, and the next read uses a new connection', async (t) => {
  const { connection, tap } = await openTapped(url);
  t.teardown(() => connection.disconnect());
  const key = await openStream();
  const id = await connection.client('ID');
  const read = readAll(tap, () =>
    connection.xreadgroup('GROUP', 'g', 'c', 'BLOCK', 5_000, 'STREAMS', key, '>'),
  );
  await redis.client('KILL', 'ID', id);
  await t.throwsAsync(read);
  await waitUntil('it to be ready again', () => connection.status === 'ready');
  const entryId = await redis.xadd(key, '*', 'a', '1');
  const entries = await readAll(tap, () => connection.xreadgroup('GROUP', 'g', 'c', 'STREAMS', key, '>'));
  t.deepEqual(entries, [{ id: entryId ?? '', fields: ['a', '1'] }]);
});

test('an aggregator folds the same if all replies arrive in small chunks', async (t) => {
  const prefix = nextPrefix();
  const events = [...generateEvents(400, { seed: 2 })];
  await appendFlat(redis, { prefix }, events);
  const aggregator = await startAggregator({ redisUrl: throughProxy, prefix });
  t.teardown(aggregator.stop);
  await waitUntilFolded(redis, { prefix });
  const reference = foldReference(events.map((fields) => ({ fields })));
  t.deepEqual(compareSamples(withoutAges(await scrape(aggregator.url)), reference), []);
  t.false(aggregator.facts.some(({ type }) => type === 'connection_failed'));
});
