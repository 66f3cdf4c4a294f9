import { test, type ExecutionContext } from '../harness/ava.ts';
import type { PublisherOptions } from '@streamfold/publisher';
import { startFaultProxy } from '../harness/fault-proxy.ts';
import { startRedis, type TestRedis } from '../harness/start-redis.ts';
import { waitUntil } from '../harness/wait-until.ts';
import { openPublisher } from './open-publisher.ts';
import { signalSent } from './signal-sent.ts';

/** A publisher whose own Redis is not running yet. */
async function openBeforeRedis(t: ExecutionContext, options: Partial<PublisherOptions> = {}) {
  const server = await startOwnRedis(t);
  await server.kill('SIGKILL');
  const opened = openPublisher(server.redis, { ...options, url: server.url });
  t.teardown(() => opened.publisher.close({ deadlineMs: 0 }));
  return { ...opened, server };
}

async function startOwnRedis(t: ExecutionContext): Promise<TestRedis> {
  const server = await startRedis();
  t.teardown(() => server.stop());
  return server;
}

test('events published before Redis is up are delivered, in order, once it is', async (t) => {
  const { publisher, server, numbers, told } = await openBeforeRedis(t);
  for (let number = 0; number < 2_500; number++)
    t.is(publisher.publish(signalSent(number)).status, 'accepted');
  const appended = publisher.append(signalSent(2_500));
  await waitUntil('it has tried to connect', () => told.some(({ type }) => type === 'disconnected'));
  t.like(publisher.stats(), { published: 0, bufferedEvents: 2_501 });
  await server.restart();
  await appended;
  t.deepEqual(
    await numbers(),
    Array.from({ length: 2_501 }, (_, number) => number),
  );
  t.like(publisher.stats(), { published: 2_501, bufferedEvents: 0, bufferedBytes: 0 });
});

test('a full buffer accepts no more events and says so; the events in it are delivered', async (t) => {
  const { publisher, server, numbers, told } = await openBeforeRedis(t, { maxBufferedEvents: 100 });
  const statuses = Array.from({ length: 150 }, (_, number) => publisher.publish(signalSent(number)).status);
  t.deepEqual(statuses, [
    ...Array.from({ length: 100 }, () => 'accepted'),
    ...Array.from({ length: 50 }, () => 'full'),
  ]);
  t.is(publisher.stats().bufferedEvents, 100);
  t.is(publisher.stats().dropped.buffer_full, 50);
  t.is(told.filter(({ reason }) => reason === 'buffer_full').length, 50);

  let hasRoom = false;
  const room = publisher.room().then(() => (hasRoom = true));
  await waitUntil('it has tried to connect', () => told.some(({ type }) => type === 'disconnected'));
  t.false(hasRoom, 'there is no room as long as nothing is delivered');
  await server.restart();
  await room;
  t.is(publisher.publish(signalSent(100)).status, 'accepted');
  await publisher.flush();
  t.deepEqual(
    await numbers(),
    Array.from({ length: 101 }, (_, number) => number),
  );
});

test('a buffer can also be full in bytes', async (t) => {
  const { publisher } = await openBeforeRedis(t, { maxBufferedBytes: 65_536 });
  const note = 'x'.repeat(15_000);
  const statuses = Array.from(
    { length: 6 },
    (_, number) => publisher.publish(Object.assign(signalSent(number), { note })).status,
  );
  t.deepEqual(statuses, ['accepted', 'accepted', 'accepted', 'accepted', 'full', 'full']);
  t.true(publisher.stats().bufferedBytes <= 65_536);
});

test('append waits for room in a full buffer, and never exceeds it', async (t) => {
  const { publisher, server, numbers, told } = await openBeforeRedis(t, { maxBufferedEvents: 10 });
  const appended = publisher.append(Array.from({ length: 1_000 }, (_, number) => signalSent(number)));
  await waitUntil('it has tried to connect', () => told.some(({ type }) => type === 'disconnected'));
  t.is(publisher.stats().bufferedEvents, 10);
  await server.restart();
  await appended;
  t.deepEqual(
    await numbers(),
    Array.from({ length: 1_000 }, (_, number) => number),
  );
  t.is(publisher.stats().dropped.buffer_full, 0);
});

test('append drops unsent events after its time-out, and they are not delivered later', async (t) => {
  const { publisher, server, numbers } = await openBeforeRedis(t, { maxBufferedEvents: 10 });
  publisher.publish(signalSent(-1));
  const error = await t.throwsAsync(
    publisher.append(
      Array.from({ length: 20 }, (_, number) => signalSent(number)),
      { timeoutMs: 20 },
    ),
    { name: 'PublishError' },
  );
  t.like(error, { reason: 'timed_out', undelivered: 20 });
  t.is(publisher.stats().bufferedEvents, 1, 'the events of another call are kept');
  t.is(publisher.stats().dropped.timed_out, 20);
  await server.restart();
  await publisher.append(signalSent(100));
  t.deepEqual(await numbers(), [-1, 100]);
});

test('append that times out while its events are being sent reports that their fate is unknown', async (t) => {
  const server = await startOwnRedis(t);
  const proxy = await startFaultProxy(server.port);
  t.teardown(() => proxy.stop());
  const { publisher, numbers } = openPublisher(server.redis, { url: `redis://127.0.0.1:${proxy.port}` });
  await publisher.append(signalSent(0));
  proxy.swallowReplies();
  const error = await t.throwsAsync(publisher.append(signalSent(1), { timeoutMs: 50 }), {
    name: 'PublishError',
  });
  t.like(error, { reason: 'fate_unknown', undelivered: 1 });
  t.deepEqual(await numbers(), [0, 1]);
  t.deepEqual(await publisher.close({ deadlineMs: 0 }), { undelivered: 1, fateUnknown: 1 });
});

test('closing while Redis is away ends at its deadline and reports the undelivered events', async (t) => {
  const { publisher } = await openBeforeRedis(t);
  for (let number = 0; number < 7; number++) publisher.publish(signalSent(number));
  const appended = publisher.append(signalSent(7));
  const rejected = t.throwsAsync(appended, { name: 'PublishError', message: /closed/ });
  t.deepEqual(await publisher.close({ deadlineMs: 20 }), { undelivered: 8, fateUnknown: 0 });
  await rejected;
  t.like(publisher.stats(), { bufferedEvents: 0, dropped: { ...publisher.stats().dropped, closed: 8 } });
  await publisher.flush();
  await publisher.room();
});

test('closing distinguishes events that may be in the stream from those that are not', async (t) => {
  const server = await startOwnRedis(t);
  const proxy = await startFaultProxy(server.port);
  t.teardown(() => proxy.stop());
  const { publisher, numbers } = openPublisher(server.redis, { url: `redis://127.0.0.1:${proxy.port}` });
  await publisher.append(signalSent(0));
  proxy.swallowReplies();
  for (const number of [1, 2, 3]) publisher.publish(signalSent(number));
  void publisher.flush();
  await waitUntil('the batch is appended', async () => (await numbers()).length === 4);
  for (const number of [4, 5]) publisher.publish(signalSent(number));
  t.deepEqual(await publisher.close({ deadlineMs: 20 }), { undelivered: 5, fateUnknown: 3 });
  t.deepEqual(await numbers(), [0, 1, 2, 3]);
});

test('closing delivers the remaining events if Redis is back before the deadline', async (t) => {
  const { publisher, server, numbers } = await openBeforeRedis(t);
  publisher.publish(signalSent(0));
  const closing = publisher.close({ deadlineMs: 20_000 });
  await server.restart();
  t.deepEqual(await closing, { undelivered: 0, fateUnknown: 0 });
  t.deepEqual(await numbers(), [0]);
});

test('a Redis that lost its data has forgotten the ids together with the events', async (t) => {
  const server = await startOwnRedis(t);
  const { publisher, numbers, told, prefix } = openPublisher(server.redis, { url: server.url });
  t.teardown(() => publisher.close());
  const events = [1, 2].map((number) => signalSent(number, { id: `id-${number}` }));
  await publisher.append(events);
  t.like(await publisher.append(events), { duplicates: 2 });

  await server.redis.flushall();
  t.like(await publisher.append(events), { duplicates: 0 });
  t.deepEqual(await numbers(), [1, 2]);

  await server.kill('SIGKILL');
  await server.restart(); // without persistence
  await waitUntil(
    'it has connected again',
    () => told.filter(({ type }) => type === 'connected').length === 2,
  );
  t.is(await server.redis.get(`${prefix}:shards`), '1', 'the number of shards is recorded again');
  t.like(await publisher.append(events), { duplicates: 0 });
  t.deepEqual(await numbers(), [1, 2]);
});
