import { swarmShard, type EventInput } from '@streamfold/core';
import { test } from '../harness/ava.ts';
import { createPublisher, InvalidEventError, type PublisherOptions } from '@streamfold/publisher';
import { ConfigurationError } from '@streamfold/redis';
import { readPublished } from '../harness/read-published.ts';
import { signalSent } from './signal-sent.ts';
import { shareRedis } from '../harness/start-redis.ts';
import { waitUntil } from '../harness/wait-until.ts';

const server = await shareRedis();
test.after.always(() => server.stop());

const SWARMS = Array.from({ length: 20 }, (_, number) => `swarm-${number}`);

let prefixes = 0;
/** Each test has its own keys. */
function open(options: Partial<PublisherOptions> = {}) {
  const prefix = `p${++prefixes}`;
  const publisher = createPublisher({ url: server.url, prefix, ...options });
  return {
    prefix,
    publisher,
    entries: (shard = 0) => server.redis.xrange(`${prefix}:{${shard}}:events`, '-', '+'),
    events: (shard = 0) => readPublished(server.redis, { prefix, shard }),
  };
}

test('a single event is appended flat, as XADD would', async (t) => {
  const { publisher, entries } = open();
  const { entryIds, duplicates } = await publisher.append(signalSent(1));
  await publisher.close();
  t.deepEqual(await entries(), [
    [
      entryIds[0] ?? '',
      [
        'type',
        'signal.sent',
        'swarm_id',
        's1',
        'sender_id',
        'a',
        'receiver_id',
        'b',
        'signal_type',
        'completion',
        'signal_id',
        '1',
      ],
    ],
  ]);
  t.is(duplicates, 0);
});

test('events published together share an entry', async (t) => {
  const { publisher, entries, events } = open();
  for (let number = 0; number < 50; number++)
    t.deepEqual(publisher.publish(signalSent(number)), { status: 'accepted' });
  await publisher.flush();
  t.is((await entries()).length, 1);
  t.deepEqual(
    (await events()).map((event) => event['signal_id']),
    Array.from({ length: 50 }, (_, n) => String(n)),
  );
  await publisher.close();
});

test('an event waits for others no longer than maxDelayMs', async (t) => {
  const { publisher, events } = open({ maxDelayMs: 1 });
  publisher.publish(signalSent(1));
  await waitUntil('its reply has come', () => publisher.stats().published === 1);
  t.is((await events()).length, 1);
  await publisher.close();
});

test('closing delivers all accepted events, in the order in which they were published', async (t) => {
  const { publisher, events } = open({ maxDelayMs: 10_000 });
  for (let number = 0; number < 12_345; number++) publisher.publish(signalSent(number));
  t.deepEqual(await publisher.close({ deadlineMs: 60_000 }), { undelivered: 0, fateUnknown: 0 });
  t.deepEqual(
    (await events()).map((event) => Number(event['signal_id'])),
    Array.from({ length: 12_345 }, (_, n) => n),
  );
});

test('an entry holds at most 1,000 events', async (t) => {
  const { publisher, entries } = open({ maxDelayMs: 10_000 });
  for (let number = 0; number < 2_500; number++) publisher.publish(signalSent(number));
  await publisher.close();
  const counts = (await entries()).map(([, [, events]]) => (JSON.parse(events ?? '') as unknown[]).length);
  t.deepEqual(counts, [1_000, 1_000, 500]);
});

test('an entry is at most 1 MiB', async (t) => {
  const { publisher, entries } = open({ maxDelayMs: 10_000 });
  // Characters of two and three bytes: the bytes count.
  for (let number = 0; number < 300; number++)
    publisher.publish(Object.assign(signalSent(number), { note: 'äé€'.repeat(1_000) }));
  await publisher.close();
  const sizes = (await entries()).map(([, [, events]]) => Buffer.byteLength(events ?? ''));
  t.is(sizes.length, 3);
  t.true(sizes.every((bytes) => bytes <= 1024 * 1024));
  t.true((sizes[0] ?? 0) > 1_000_000);
});

test('a batch holds no more events than maxBatchEvents', async (t) => {
  const { publisher, entries } = open({ maxBatchEvents: 1 });
  for (let number = 0; number < 5; number++) publisher.publish(signalSent(number));
  await publisher.close();
  t.deepEqual(
    (await entries()).map(([, [name]]) => name),
    ['type', 'type', 'type', 'type', 'type'],
  );
});

test('changing an event after it was published changes nothing', async (t) => {
  const { publisher, events } = open();
  const event = { ...signalSent(1) } as Record<string, unknown>;
  publisher.publish(event as never);
  event['signal_type'] = 'changed';
  await publisher.close();
  t.is((await events())[0]?.['signal_type'], 'completion');
});

test('an invalid event is refused at once and never reaches Redis', async (t) => {
  const { publisher, events } = open();
  const outcome = publisher.publish({ ...signalSent(1), swarm_id: 'not an id' });
  t.like(outcome, { status: 'invalid', reason: 'invalid_field', field: 'swarm_id' });
  for (const junk of [undefined, null, 7, 'x', [], {}])
    t.is(publisher.publish(junk as never).status, 'invalid');
  const error = await t.throwsAsync(publisher.append([signalSent(2), { ...signalSent(3), swarm_id: '' }]), {
    instanceOf: InvalidEventError,
  });
  t.like(error, { index: 1, field: 'swarm_id' });
  await publisher.close();
  t.deepEqual(await events(), []);
  t.is(publisher.stats().dropped.invalid, 8);
});

test('each swarm has one shard, and its events keep their order', async (t) => {
  const { publisher, events } = open({ shards: 3 });
  const swarms = ['s0', 's1', 's2', 's3', 's4', 's5', 's6', 's7', '123456789'];
  for (let number = 0; number < 900; number++) {
    publisher.publish(signalSent(number, { swarm_id: swarms[number % swarms.length] ?? '' }));
  }
  await publisher.close();
  const shards = [await events(0), await events(1), await events(2)];
  t.is(shards.flat().length, 900);
  for (const swarm of swarms) {
    const homes = shards.filter((shard) => shard.some((event) => event['swarm_id'] === swarm));
    t.is(homes.length, 1);
    const numbers = (homes[0] ?? [])
      .filter((event) => event['swarm_id'] === swarm)
      .map((event) => Number(event['signal_id']));
    t.deepEqual(
      numbers,
      numbers.toSorted((left, right) => left - right),
    );
    t.is(numbers.length, 100);
  }
  // CRC16/XMODEM of 123456789 is 0x31C3.
  t.true(shards[0x31c3 % 3]?.some((event) => event['swarm_id'] === '123456789'));
});

test('an event is appended to the shard of the swarm that it has there, whatever its getters give later', async (t) => {
  const { publisher, events } = open({ shards: 2 });
  const [inFirst = '', inSecond = ''] = [0, 1].map((shard) =>
    SWARMS.find((each) => swarmShard(each, 2) === shard),
  );
  const shifting = (): EventInput => {
    let reads = 0;
    const swarm_id = (): string => (reads++ === 0 ? inFirst : inSecond);
    const event = { ...signalSent(1), id: 'x' };
    return Object.defineProperty(event, 'swarm_id', { get: swarm_id, enumerable: true });
  };
  // Encoded as a text, written as bytes, and appended: the second and third are duplicates of the first.
  for (let round = 0; round < 2; round++) {
    publisher.publish(shifting());
    await publisher.flush();
  }
  t.is((await publisher.append(shifting())).duplicates, 1);
  await publisher.close();
  t.deepEqual(
    (await events(0)).map((event) => event['swarm_id']),
    [inFirst],
  );
  t.deepEqual(await events(1), []);
});

test('usual and unusual events keep their order and their bytes, over many entries', async (t) => {
  const { publisher, events } = open();
  const given = Array.from({ length: 5_000 }, (_, number) => ({
    ...signalSent(number),
    ...(number % 3 === 0 ? { note: `line ${number}\n"日本" 🐝` } : {}),
    ...(number % 700 === 0 ? { note: 'é'.repeat(7_000) } : {}),
  }));
  for (const event of given) t.is(publisher.publish(event).status, 'accepted');
  await publisher.close();
  t.deepEqual(await events(), given);
  const { bufferedEvents, bufferedBytes } = publisher.stats();
  t.deepEqual({ bufferedEvents, bufferedBytes }, { bufferedEvents: 0, bufferedBytes: 0 });
});

test('append returns the entries, even if its events need several', async (t) => {
  const { publisher, entries } = open();
  const { entryIds } = await publisher.append(
    Array.from({ length: 2_001 }, (_, number) => signalSent(number)),
  );
  t.deepEqual(
    entryIds,
    (await entries()).map(([entryId]) => entryId),
  );
  t.is(entryIds.length, 3);
  t.deepEqual(await publisher.append([]), { entryIds: [], duplicates: 0 });
  await publisher.close();
});

test('every entry is named, even if entries of several shards have the same ID', async (t) => {
  const shards = 16;
  const { publisher, entries } = open({ shards });
  const appended = new Set<number>();
  let ids: readonly string[] = [];
  // Some of the shards must get their entries within the same millisecond.
  for (let round = 0; new Set(ids).size === ids.length; round++) {
    const events = Array.from({ length: 64 }, (_, at) => ({
      ...signalSent(1),
      swarm_id: `swarm-${at}-${round}`,
    }));
    ({ entryIds: ids } = await publisher.append(events));
    t.true(round < 100, 'expected two shards to give the same ID');
  }
  for (let shard = 0; shard < shards; shard++)
    for (const [id] of await entries(shard)) if (ids.includes(id)) appended.add(shard);
  t.is(ids.length, appended.size);
  await publisher.close();
});

test('a number of shards other than the recorded one is refused in one line', async (t) => {
  const { publisher, prefix } = open({ shards: 2 });
  await publisher.ready();
  await publisher.close();

  const other = createPublisher({ url: server.url, prefix, shards: 3 });
  other.publish(signalSent(1));
  const error = await t.throwsAsync(other.ready(), { instanceOf: ConfigurationError });
  t.regex(error?.message ?? '', /^[^\n]*expected 2[^\n]*got 3$/);
  await t.throwsAsync(other.append(signalSent(2)), { message: /does not fit[^\n]*expected 2[^\n]*got 3$/ });
  t.deepEqual(other.publish(signalSent(3)), { status: 'closed' });
  t.is(other.stats().dropped.misconfigured, 2);
  await other.close();
});

test('an option out of bounds is refused in one line', (t) => {
  for (const options of [
    { shards: 0 },
    { maxBatchEvents: 1_001 },
    { maxDelayMs: -1 },
    { maxBufferedEvents: 1.5 },
    { idempotencyWindowMs: 1 },
    { idempotencyWindowMs: 10_000, replyTimeoutMs: 5_000 },
    { prefix: 'a{b}' },
    { url: 'http://localhost' },
  ]) {
    const error = t.throws(() => createPublisher({ url: server.url, ...options }), {
      instanceOf: ConfigurationError,
    });
    t.regex(error?.message ?? '', /^[^\n]*expected [^\n]*got [^\n]*$/);
  }
});

test('a closed publisher accepts nothing, and closing it again changes nothing', async (t) => {
  const { publisher } = open();
  const closing = publisher.close();
  t.is(publisher.close(), closing);
  t.deepEqual(publisher.publish(signalSent(1)), { status: 'closed' });
  await t.throwsAsync(publisher.append(signalSent(1)), { name: 'PublishError', message: /closed/ });
  await publisher.room();
  await publisher.flush();
  t.deepEqual(await closing, { undelivered: 0, fateUnknown: 0 });
});

test('the counts that an observer receives add up', async (t) => {
  const told = { published: 0, duplicate: 0, dropped: 0 };
  const { publisher } = open({
    observer: {
      published: ({ events }) => (told.published += events),
      duplicate: ({ events }) => (told.duplicate += events),
      dropped: ({ events }) => (told.dropped += events),
    },
  });
  for (let number = 0; number < 10; number++)
    publisher.publish(signalSent(number, { id: `id-${number % 7}` }));
  publisher.publish({ ...signalSent(1), swarm_id: '' });
  await publisher.close();
  t.deepEqual(told, { published: 7, duplicate: 3, dropped: 1 });
  t.like(publisher.stats(), {
    accepted: 10,
    published: 7,
    duplicates: 3,
    bufferedEvents: 0,
    bufferedBytes: 0,
  });
});
