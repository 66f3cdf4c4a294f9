import { test } from '../harness/ava.ts';
import { createPublisher } from '@streamfold/publisher';
import { checkFoldedOnce } from '../harness/check-folded-once.ts';
import { createLoad } from '../harness/publish-load.ts';
import { readConsumers } from '../harness/read-consumers.ts';
import { startServe } from '../harness/run-streamfold.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { waitUntil } from '../harness/wait-until.ts';

const STEP_EVENTS = 1_000;
const ROUNDS = 2;

const server = await shareRedis();
test.after.always(() => server.stop());

test('an aggregator that is stopped under load commits its batch, leaves nothing pending, and exits with 0', async (t) => {
  const prefix = nextPrefix();
  const installation = { redis: server.redis, prefix };
  const publisher = createPublisher({ url: server.url, prefix, maxBatchEvents: 20 });
  t.teardown(() => publisher.close());
  const load = createLoad({ publisher, url: server.url, prefix, seed: 6 });
  for (let round = 0; round < ROUNDS; round++) {
    // No other aggregator could claim its pending entries.
    const aggregator = await startServe(server.url, { STREAMFOLD_PREFIX: prefix });
    let code: number | string | undefined;
    await waitUntil('it has entries pending', async () => {
      await load.publish(STEP_EVENTS);
      void publisher.flush();
      return (await readConsumers(installation)).some(({ pending }) => pending > 0);
    });
    const ended = aggregator.kill('SIGTERM').then((how) => (code = how));
    while (code === undefined) {
      await load.publish(STEP_EVENTS / 10);
      await publisher.flush();
    }
    await ended;
    t.is(code, 0);
    t.deepEqual(await readConsumers(installation), [], 'its consumers are gone, with nothing pending');
  }
  await load.finish();

  const last = await startServe(server.url, { STREAMFOLD_PREFIX: prefix });
  t.teardown(() => last.kill('SIGTERM'));
  await checkFoldedOnce(t, { ...installation, load, urls: [last.url] });
});
