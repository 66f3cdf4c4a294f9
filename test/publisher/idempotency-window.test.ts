import { test } from '../harness/ava.ts';
import { shareRedis } from '../harness/start-redis.ts';
import { openPublisher } from './open-publisher.ts';
import { signalSent } from './signal-sent.ts';

const server = await shareRedis();
test.after.always(() => server.stop());

test('an id published within the window is left out, whichever publisher repeats it, alone or in a batch', async (t) => {
  const first = openPublisher(server.redis, { url: server.url });
  await first.publisher.append(signalSent(1, { id: 'one' }));
  await first.publisher.close();
  const second = openPublisher(server.redis, { url: server.url, prefix: first.prefix });
  t.deepEqual(await second.publisher.append(signalSent(11, { id: 'one' })), { entryIds: [], duplicates: 1 });
  const batch = [signalSent(2), signalSent(12, { id: 'one' }), signalSent(3, { id: 'three' }), signalSent(4)];
  t.like(await second.publisher.append(batch), { duplicates: 1 });
  t.like(await second.publisher.append([5, 15].map((number) => signalSent(number, { id: 'five' }))), {
    duplicates: 1,
  });
  t.deepEqual(await second.numbers(), [1, 2, 3, 4, 5]);
  t.like(second.publisher.stats(), { published: 4, duplicates: 3 });
  await second.publisher.close();
});

test('the same id in another swarm is another event', async (t) => {
  const { publisher, numbers } = openPublisher(server.redis, { url: server.url });
  await publisher.append(signalSent(1, { id: 'one' }));
  t.like(await publisher.append(signalSent(2, { id: 'one', swarm_id: 's2' })), { duplicates: 0 });
  t.deepEqual(await numbers(), [1, 2]);
  await publisher.close();
});

test('an id is remembered for the window, and can be appended again after it', async (t) => {
  const { publisher, numbers, prefix } = openPublisher(server.redis, {
    url: server.url,
    idempotencyWindowMs: 20_000,
  });
  await publisher.append([signalSent(1, { id: 'one' }), signalSent(2, { id: 'two' })]);
  const ids = `${prefix}:{0}:published-ids`;
  const [seconds] = await server.redis.time();
  const forgetMs = Number(await server.redis.zscore(ids, 's1 one'));
  t.true(
    Math.abs(forgetMs - Number(seconds) * 1_000 - 20_000) < 5_000,
    'it is forgotten when the window is over',
  );

  await server.redis.zadd(ids, 1, 's1 one'); // as if it had been remembered for long enough
  const { duplicates } = await publisher.append(['one', 'two'].map((id, at) => signalSent(11 + at, { id })));
  t.is(duplicates, 1);
  t.deepEqual(await numbers(), [1, 2, 11]);
  await publisher.close();
});

test('ids past their window are removed, so that memory stays bounded', async (t) => {
  const { publisher, prefix } = openPublisher(server.redis, { url: server.url });
  const ids = `${prefix}:{0}:published-ids`;
  const over = Array.from({ length: 1_000 }, (_, number) => [1, `s1 old-${number}`]).flat();
  await server.redis.zadd(ids, ...over);
  for (let number = 0; number < 10; number++)
    await publisher.append(signalSent(number, { id: `new-${number}` }));
  t.is(await server.redis.zcard(ids), 10);
  await publisher.close();
});
