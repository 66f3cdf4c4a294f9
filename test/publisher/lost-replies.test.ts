import { test, type ExecutionContext } from '../harness/ava.ts';
import type { PublisherOptions } from '@streamfold/publisher';
import { startFaultProxy } from '../harness/fault-proxy.ts';
import { shareRedis } from '../harness/start-redis.ts';
import { openPublisher } from './open-publisher.ts';
import { signalSent } from './signal-sent.ts';

const server = await shareRedis();
test.after.always(() => server.stop());

/** A publisher behind its own proxy that has published event 0, so that Redis has the script. */
async function openBehindProxy(t: ExecutionContext, options: Partial<PublisherOptions> = {}) {
  const proxy = await startFaultProxy(server.port);
  t.teardown(() => proxy.stop());
  const opened = openPublisher(server.redis, { ...options, url: `redis://127.0.0.1:${proxy.port}` });
  t.teardown(() => opened.publisher.close({ deadlineMs: 0 }));
  await opened.publisher.append(signalSent(0));
  return { ...opened, proxy, needle: `${opened.prefix}:{0}:published-ids` };
}

const FORMS = [
  ['a single event', [signalSent(1)]],
  ['a single event with an id', [signalSent(1, { id: 'one' })]],
  ['many events', [1, 2, 3].map((number) => signalSent(number))],
  ['many events with ids', [1, 2, 3].map((number) => signalSent(number, { id: `id-${number}` }))],
] as const;

for (const [what, events] of FORMS) {
  const expected = [0, ...events.map((_, at) => at + 1)];

  test(`${what}: appended, reply lost: in the stream once, and append returns its entry`, async (t) => {
    const { publisher, proxy, needle, numbers, prefix, retries } = await openBehindProxy(t);
    const [{ entryIds, duplicates }] = await Promise.all([
      publisher.append(events),
      proxy.cutAfterReply(needle),
    ]);
    t.deepEqual(await numbers(), expected);
    const [, last] = await server.redis.xrange(`${prefix}:{0}:events`, '-', '+');
    t.deepEqual(entryIds, [last?.[0] ?? '']);
    t.is(duplicates, 0);
    t.deepEqual(retries(), ['no_reply']);
    t.like(publisher.stats(), { published: expected.length, duplicates: 0, retries: 1 });
  });

  test(`${what}: connection cut before sending: in the stream once`, async (t) => {
    const { publisher, proxy, needle, numbers } = await openBehindProxy(t);
    await Promise.all([publisher.append(events), proxy.cutBeforeSend(needle)]);
    t.deepEqual(await numbers(), expected);
    t.like(publisher.stats(), { published: expected.length, duplicates: 0, retries: 1 });
  });

  test(`${what}: a request that arrives late, after it was sent again, appends nothing`, async (t) => {
    const { publisher, proxy, needle, numbers } = await openBehindProxy(t);
    const [deliverLate] = await Promise.all([proxy.keepBack(needle), publisher.append(events)]);
    await deliverLate();
    t.deepEqual(await numbers(), expected);
    await publisher.append(signalSent(4));
    await deliverLate();
    t.deepEqual(await numbers(), [...expected, 4]);
  });
}

test('a request with replies that are lost again and again is repeated until one arrives', async (t) => {
  const { publisher, proxy, needle, numbers } = await openBehindProxy(t);
  const appended = publisher.append([signalSent(1), signalSent(2)]);
  for (let cut = 0; cut < 4; cut++) await proxy.cutAfterReply(needle);
  await appended;
  t.deepEqual(await numbers(), [0, 1, 2]);
});

test('events published while a batch is in doubt follow it, in order', async (t) => {
  const { publisher, proxy, needle, numbers } = await openBehindProxy(t);
  publisher.publish(signalSent(1));
  const flushed = publisher.flush();
  await proxy.cutBeforeSend(needle);
  for (const number of [2, 3]) publisher.publish(signalSent(number));
  await flushed;
  await publisher.flush();
  t.deepEqual(await numbers(), [0, 1, 2, 3]);
});

test('the publisher waits for a reply no longer than replyTimeoutMs', async (t) => {
  const { publisher, proxy, numbers, retries } = await openBehindProxy(t, { replyTimeoutMs: 100 });
  proxy.swallowReplies();
  await publisher.append(signalSent(1));
  t.deepEqual(await numbers(), [0, 1]);
  t.deepEqual([...new Set(retries())], ['no_reply']);
});

test('a batch in doubt is given up once Redis may have forgotten its ids, and reported as uncertain', async (t) => {
  let aheadMs = 0;
  const now = () => performance.now() + aheadMs;
  const { publisher, proxy, needle, numbers, told } = await openBehindProxy(t, { now });
  const appended = publisher.append(signalSent(1));
  await proxy.cutAfterReply(needle);
  aheadMs = 600_000; // the whole window
  const error = await t.throwsAsync(appended, { name: 'PublishError' });
  t.like(error, { reason: 'fate_unknown', undelivered: 1 });
  t.like(told.at(-1), { type: 'dropped', reason: 'fate_unknown', events: 1 });
  t.like(publisher.stats(), {
    published: 1,
    bufferedEvents: 0,
    dropped: { ...publisher.stats().dropped, fate_unknown: 1 },
  });
  // It continues with the next one; in this case the abandoned event is in the stream, and only once.
  await publisher.append(signalSent(2));
  t.deepEqual(await numbers(), [0, 1, 2]);
});

test('a request that Redis runs after its deadline appends nothing, and is sent again', async (t) => {
  let behindMs = 0;
  const now = () => performance.now() - behindMs;
  const { publisher, numbers, retries } = await openBehindProxy(t, { now });
  behindMs = 600_000; // the deadline is counted from here: it has passed already
  await publisher.append(signalSent(1));
  t.deepEqual(retries(), ['late']);
  t.deepEqual(await numbers(), [0, 1]);
});
