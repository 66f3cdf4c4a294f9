import { test } from '../harness/ava.ts';
import { findGeneration, measureLag } from '@streamfold/aggregator';
import { appendFlat } from '../harness/append-events.ts';
import { generateEvents } from '../harness/generate-events.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';

const { redis, url: redisUrl, stop } = await shareRedis();
test.after.always(stop);

test('entries that are delivered while the lag is measured are counted once', async (t) => {
  const prefix = nextPrefix();
  await (await startAggregator({ redisUrl, prefix })).stop();
  await appendFlat(redis, { prefix }, generateEvents(2, { seed: 1 }));
  const generation = await findGeneration(redis, { prefix, shard: 0 });
  if (generation === undefined) return t.fail();
  const { keys, shardKeys } = generation;
  const other = redis.duplicate();
  t.teardown(() => other.disconnect());
  // A consumer reads both entries somewhere between these.
  const measured = Array.from({ length: 100 }, () => measureLag(redis, generation));
  await other.xreadgroup('GROUP', keys.group, 'c', 'STREAMS', shardKeys.events, '>');
  for (const lag of await Promise.all(measured)) t.is(lag.lagEntries, 2);
  t.like(await measureLag(redis, generation), { lagEntries: 2, pendingEntries: 2 });
});
