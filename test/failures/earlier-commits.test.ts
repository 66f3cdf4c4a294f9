import { test } from '../harness/ava.ts';
import { createPublisher } from '@streamfold/publisher';
import { checkFoldedOnce } from '../harness/check-folded-once.ts';
import { openGroup } from '../harness/open-group.ts';
import { createLoad } from '../harness/publish-load.ts';
import { readConsumers } from '../harness/read-consumers.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { startEarlierConsumer } from '../harness/start-earlier-consumer.ts';
import { amount } from '../harness/soaking.ts';
import { shareRedis } from '../harness/start-redis.ts';
import { waitUntil } from '../harness/wait-until.ts';

const { redis, url: redisUrl, stop } = await shareRedis();
test.after.always(stop);

const STEP_EVENTS = amount({ test: 800, soak: 2_000 });
const ENTRIES_EACH = 100;

test('during a rolling upgrade both versions fold side by side, and each entry is folded once', async (t) => {
  const { prefix, generation } = await openGroup(redis, redisUrl);
  const publisher = createPublisher({ url: redisUrl, prefix, maxBatchEvents: 5 });
  t.teardown(() => publisher.close());
  const load = createLoad({ publisher, url: redisUrl, prefix, seed: 11 });
  const earlier = [7, 30].map((count, at) =>
    startEarlierConsumer(redis, generation, { consumer: `earlier:${at}`, count }),
  );
  t.teardown(() => Promise.all(earlier.map((each) => each.kill())));
  await load.publish(STEP_EVENTS);
  await publisher.flush();
  await waitUntil('the earlier version to fold', () => earlier.every(({ committed }) => committed > 0));

  const options = { redisUrl, prefix, claimIdleMs: 300, batchEntries: 50 };
  const aggregators = await Promise.all([1, 2].map(() => startAggregator(options)));
  for (const each of aggregators) t.teardown(each.stop);
  const countNow = (): number =>
    aggregators
      .flatMap(({ facts }) => facts)
      .reduce((sum, fact) => sum + (fact.type === 'batch_committed' ? fact.entries : 0), 0);
  for (const each of earlier) {
    const [before, beforeNow] = [each.committed, countNow()];
    await waitUntil('both versions to fold', async () => {
      await load.publish(ENTRIES_EACH);
      await publisher.flush();
      return each.committed > before && countNow() > beforeNow;
    });
    // It dies with its last read uncommitted.
    const [, killed] = await Promise.all([load.publish(STEP_EVENTS), each.kill()]);
    t.is(killed, undefined);
  }
  await load.publish(STEP_EVENTS);
  await load.finish();
  await checkFoldedOnce(t, { redis, prefix, load, urls: aggregators.map(({ url }) => url) });
  const pending = (await readConsumers({ redis, prefix })).filter((each) => each.pending > 0);
  t.deepEqual(pending, []);
});
