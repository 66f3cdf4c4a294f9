import { test, type ExecutionContext } from '../harness/ava.ts';
import type { PublisherOptions } from '@streamfold/publisher';
import { startRedis } from '../harness/start-redis.ts';
import { waitUntil } from '../harness/wait-until.ts';
import { openPublisher } from './open-publisher.ts';
import { signalSent } from './signal-sent.ts';

/** A publisher that is connected to its own Redis. */
async function open(t: ExecutionContext, options: Partial<PublisherOptions> = {}) {
  const server = await startRedis();
  t.teardown(() => server.stop());
  const opened = openPublisher(server.redis, { ...options, url: options.url ?? server.url });
  t.teardown(() => opened.publisher.close({ deadlineMs: 0 }));
  await opened.publisher.append(signalSent(0));
  return { ...opened, server };
}

test('a publisher retries on a Redis that is out of memory until it has some', async (t) => {
  const { publisher, server, numbers, retries } = await open(t);
  await server.redis.config('SET', 'maxmemory', '1');
  const appended = publisher.append([signalSent(1), signalSent(2, { id: 'two' })]);
  await waitUntil('it has tried several times', () => retries().length >= 3);
  t.deepEqual(await numbers(), [0]);
  await server.redis.config('SET', 'maxmemory', '0');
  await appended;
  t.deepEqual([...new Set(retries())], ['unavailable']);
  t.deepEqual(await numbers(), [0, 1, 2]);
});

test('a publisher retries on a Redis that became a replica, over a new connection, until it is a primary', async (t) => {
  const { publisher, server, numbers, retries, told } = await open(t);
  await server.redis.replicaof('127.0.0.1', 1);
  const appended = publisher.append(signalSent(1));
  await waitUntil('a first attempt has failed', () => retries().length >= 1);
  await waitUntil('an attempt over a new connection has failed', () =>
    told.some(({ type, error }) => type === 'disconnected' && error?.message.startsWith('READONLY') === true),
  );
  await server.redis.replicaof('NO', 'ONE');
  await appended;
  t.deepEqual([...new Set(retries())], ['unavailable']);
  t.deepEqual(await numbers(), [0, 1]);
});

test('scripts are loaded again into a Redis that has lost them', async (t) => {
  const { publisher, server, numbers, retries } = await open(t);
  await server.redis.script('FLUSH');
  await publisher.append(signalSent(1));
  t.deepEqual(await numbers(), [0, 1]);
  t.deepEqual(retries(), []);
});

test('an error that only an operator can fix rejects append, and publish keeps its events', async (t) => {
  let aheadMs = 0;
  const now = () => performance.now() + aheadMs;
  const { publisher, server, numbers, retries, prefix } = await open(t, { now });
  const stream = `${prefix}:{0}:events`;
  await server.redis.rename(stream, `${prefix}:kept`);
  await server.redis.set(stream, 'a text');
  publisher.publish(signalSent(1));
  const error = await t.throwsAsync(publisher.append(signalSent(2)), {
    name: 'PublishError',
    message: /WRONGTYPE/,
  });
  t.like(error, { reason: 'refused', undelivered: 1 });
  t.deepEqual(retries(), ['refused']);
  t.like(publisher.stats(), { bufferedEvents: 1, dropped: { ...publisher.stats().dropped, refused: 1 } });

  await server.redis.rename(`${prefix}:kept`, stream);
  aheadMs = 5_000; // the pause before it is retried
  await publisher.flush();
  t.deepEqual(await numbers(), [0, 1]);
});

for (const [why, rules] of [
  ['append', ['~*', '-xadd']],
  ['remember ids', ['~*', '-zadd']],
  ['remember batches', ['~*:events', '~*:published-ids', '~*:shards', '%R~*:publisher:*']],
] as const) {
  test(`a user who may not ${why} appends nothing, rather than twice`, async (t) => {
    const { publisher, server, numbers, prefix } = await open(t);
    await server.redis.acl('SETUSER', 'limited', 'on', '>secret', '+@all', ...rules);
    const url = server.url.replace('redis://', 'redis://limited:secret@');
    const limited = openPublisher(server.redis, { url, prefix });
    t.teardown(() => limited.publisher.close({ deadlineMs: 0 }));
    const error = await t.throwsAsync(limited.publisher.append(signalSent(1, { id: 'one' })), {
      name: 'PublishError',
    });
    t.like(error, { reason: 'refused', undelivered: 1 });
    t.regex(error?.message ?? '', /permission|can't run this command/);
    await limited.publisher.flush(); // nothing is left to wait for
    t.deepEqual(await numbers(), [0]);
    await publisher.append(signalSent(2));
    t.deepEqual(await numbers(), [0, 2]);
  });
}
