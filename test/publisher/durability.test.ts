import { createPublisher, PublishError, type PublisherOptions } from '@streamfold/publisher';
import { ConfigurationError } from '@streamfold/redis';
import { test } from '../harness/ava.ts';
import { nextPrefix, startRedis, type TestRedis } from '../harness/start-redis.ts';
import { waitUntil } from '../harness/wait-until.ts';
import { openPublisher } from './open-publisher.ts';
import { signalSent } from './signal-sent.ts';

const primary = await startRedis({ extraArgs: ['--repl-diskless-sync-delay', '0'] });
const replica = await startRedis();
await replica.redis.replicaof('127.0.0.1', primary.port);
await waitUntil('the replica follows', async () =>
  (await primary.redis.info('replication')).includes('state=online'),
);
const knowsWaitAof = ((await primary.redis.call('COMMAND', 'INFO', 'WAITAOF')) as unknown[])[0] !== null;

test.after.always(async () => {
  await Promise.all([primary.stop(), replica.stop()]);
});

const SHORT_MS = 150;
/** Far longer than a test may take: it must not be what ends it. */
const LONG_MS = 600_000;

function open(options: Partial<PublisherOptions>) {
  return openPublisher(primary.redis, { url: primary.url, ...options });
}

/** Stops a server as a machine that hangs does; `wake` undoes it. */
function freeze({ pid }: TestRedis): { wake(): void } {
  process.kill(pid, 'SIGSTOP');
  return { wake: () => void process.kill(pid, 'SIGCONT') };
}

async function fail(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

test.serial('with durability.replicas, an event that was appended is on the replica', async (t) => {
  const { publisher, prefix } = open({ durability: { replicas: 1, timeoutMs: LONG_MS } });
  for (let number = 0; number < 20; number++) {
    const { entryIds } = await publisher.append(signalSent(number));
    const [latest] = await replica.redis.xrevrange(`${prefix}:{0}:events`, '+', '-', 'COUNT', 1);
    t.is(latest?.[0], entryIds[0]);
  }
  t.deepEqual(await publisher.close(), { undelivered: 0, fateUnknown: 0 });
  t.is(publisher.stats().unconfirmed, 0);
});

test.serial('shards wait for their replicas together', async (t) => {
  const { publisher } = open({ shards: 16, durability: { replicas: 1, timeoutMs: LONG_MS } });
  const events = Array.from({ length: 100 }, (_, number) => signalSent(number, { swarm_id: `s${number}` }));
  const { entryIds } = await publisher.append(events);
  t.true(entryIds.length > 5);
  await publisher.close();
});

test.serial(
  'if the replica does not have it in time, append says so, with the IDs of the entries',
  async (t) => {
    const { publisher, prefix, told } = open({ durability: { replicas: 1, timeoutMs: SHORT_MS } });
    await publisher.append(signalSent(0));
    const frozen = freeze(replica);
    t.teardown(frozen.wake);
    const error = await fail(publisher.append([signalSent(1), signalSent(2)]));
    t.true(error instanceof PublishError);
    if (!(error instanceof PublishError)) return;
    t.is(
      error.message,
      '2 of the events appended, but not as durable as was asked for: after 150 ms 0 of 1 replicas had them',
    );
    t.like(error, { reason: 'unconfirmed', undelivered: 0, unconfirmed: 2 });
    const entries = await primary.redis.xrange(`${prefix}:{0}:events`, '-', '+');
    t.deepEqual(error.entryIds, [entries.at(-1)?.[0]]);
    t.like(publisher.stats(), { published: 3, unconfirmed: 2 });
    t.like(
      told.find(({ type }) => type === 'unconfirmed'),
      { shard: 0, events: 2, replicas: 0, disk: false },
    );
    frozen.wake();
    const next = await publisher.append(signalSent(3));
    t.is(next.entryIds.length, 1);
    t.deepEqual(await publisher.close(), { undelivered: 0, fateUnknown: 0 });
  },
);

test.serial(
  'an event with an id can be appended again until it is confirmed, and is in the stream once',
  async (t) => {
    const { publisher, numbers } = open({ durability: { replicas: 1, timeoutMs: SHORT_MS } });
    await publisher.append(signalSent(0));
    const frozen = freeze(replica);
    t.teardown(frozen.wake);
    const event = signalSent(1, { id: 'one' });
    t.like(await fail(publisher.append(event)), { reason: 'unconfirmed' });
    t.like(
      await fail(publisher.append(event)),
      { reason: 'unconfirmed' },
      'a duplicate is not confirmed either',
    );
    frozen.wake();
    await waitUntil('it is confirmed', async () => (await fail(publisher.append(event))) === undefined);
    t.deepEqual(await numbers(), [0, 1]);
    await publisher.close();
  },
);

test.serial(
  'an event that Redis loses while the publisher waits for the replica is appended again',
  async (t) => {
    const { publisher, prefix, numbers, retries } = open({ durability: { replicas: 1, timeoutMs: LONG_MS } });
    await publisher.append(signalSent(0));
    const frozen = freeze(replica);
    t.teardown(frozen.wake);
    const appended = publisher.append(signalSent(1));
    await waitUntil('it is in the stream', async () => (await numbers()).length === 2);
    const { publisherKey } = await findPublisher(prefix);
    await primary.redis.del(`${prefix}:{0}:events`, publisherKey); // as after a failover to a replica that had neither
    await waitUntil('it is appended again', async () => (await numbers()).length === 1);
    frozen.wake();
    const { entryIds } = await appended;
    t.is(entryIds.length, 1);
    t.deepEqual(await numbers(), [1]);
    t.deepEqual([...new Set(retries())], ['no_reply']);
    await publisher.close();
  },
);

async function findPublisher(prefix: string): Promise<{ publisherKey: string }> {
  const [publisherKey = ''] = await primary.redis.keys(`${prefix}:{0}:publisher:*`);
  return { publisherKey };
}

test.serial(
  'close does not wait longer than its deadline for a replica, and the events count as delivered',
  async (t) => {
    const { publisher, numbers } = open({ durability: { replicas: 1, timeoutMs: LONG_MS } });
    await publisher.append(signalSent(0));
    const frozen = freeze(replica);
    t.teardown(frozen.wake);
    const appended = fail(publisher.append(signalSent(1)));
    await waitUntil('it is in the stream', async () => (await numbers()).length === 2);
    t.deepEqual(await publisher.close({ deadlineMs: 50 }), { undelivered: 0, fateUnknown: 0 });
    t.regex(String(await appended), /: when the publisher was closed 0 of 1 replicas had them$/);
    t.like(publisher.stats(), { published: 2, unconfirmed: 1, bufferedEvents: 0 });
  },
);

test.serial(
  'with durability.disk, an event counts as published once the primary has it on its disk',
  async (t) => {
    const server = await startRedis({ extraArgs: ['--appendonly', 'yes', '--appendfsync', 'everysec'] });
    t.teardown(() => server.stop());
    const publisher = createPublisher({
      redisUrl: server.url,
      prefix: nextPrefix(),
      durability: { disk: true, timeoutMs: LONG_MS },
      observer: {},
    });
    t.teardown(() => publisher.close());
    if (!knowsWaitAof) {
      const error = await fail(publisher.ready());
      t.true(error instanceof ConfigurationError);
      t.regex(
        String(error),
        /durability\.disk: expected a Redis with WAITAOF \(Redis 7\.2, Valkey\); got an older one/,
      );
      return;
    }
    t.is((await publisher.append(signalSent(1))).entryIds.length, 1);
  },
);

test.serial(
  'with durability.disk, a Redis without an append-only file is reported, and tried again',
  async (t) => {
    const { publisher, told } = open({ durability: { disk: true, timeoutMs: LONG_MS } });
    t.teardown(() => publisher.close({ deadlineMs: 0 }));
    if (!knowsWaitAof) {
      t.true((await fail(publisher.ready())) instanceof ConfigurationError);
      return;
    }
    await waitUntil('it says why', () => told.some(({ type }) => type === 'disconnected'));
    t.regex(
      String(told.find(({ type }) => type === 'disconnected')?.error),
      /durability\.disk: expected a Redis that can wait for its disk; got .*appendonly/,
    );
    await primary.redis.config('SET', 'appendonly', 'yes');
    await publisher.ready();
    t.is((await publisher.append(signalSent(1))).entryIds.length, 1);
    await primary.redis.config('SET', 'appendonly', 'no');
  },
);

test.serial('wrong values of durability are refused', (t) => {
  t.throws(create(1), {
    message: /^durability: expected an object such as \{ replicas: … \}; got a number$/,
  });
  t.throws(create({ replicas: 1.5 }), {
    message: 'durability.replicas: expected a whole number from 0 to 100; got 1.5',
  });
  t.throws(create({ replicas: -1 }), { instanceOf: ConfigurationError });
  t.throws(create({ disk: 'yes' }), { message: 'durability.disk: expected true or false; got yes' });
  t.throws(create({ timeoutMs: 0 }), {
    message: 'durability.timeoutMs: expected a whole number from 10 to 600000; got 0',
  });
});

function create(durability: unknown) {
  return () => createPublisher({ redisUrl: primary.url, durability: durability as never });
}
