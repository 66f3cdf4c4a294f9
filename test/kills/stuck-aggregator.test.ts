import { test } from '../harness/ava.ts';
import { createPublisher } from '@streamfold/publisher';
import { checkFoldedOnce, waitUntilAllFolded } from '../harness/check-folded-once.ts';
import { createLoad } from '../harness/publish-load.ts';
import { readConsumers } from '../harness/read-consumers.ts';
import { startServe } from '../harness/run-streamfold.ts';
import { parseSamples } from '../harness/scrape.ts';
import { waitUntilStopped } from '../harness/process-state.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { waitUntil } from '../harness/wait-until.ts';

const STEP_EVENTS = 1_000;

const server = await shareRedis();
test.after.always(() => server.stop());

test('a stuck aggregator that wakes up after another one folded its entries counts nothing twice, and continues', async (t) => {
  const prefix = nextPrefix();
  const installation = { redis: server.redis, prefix };
  const env = { STREAMFOLD_PREFIX: prefix, STREAMFOLD_CLAIM_IDLE_MS: '200' };
  const stuck = await startServe(server.url, { ...env, STREAMFOLD_CONSUMER: 'stuck' });
  t.teardown(() => stuck.kill('SIGKILL'));
  const publisher = createPublisher({ url: server.url, prefix, maxBatchEvents: 20 });
  t.teardown(() => publisher.close());
  const load = createLoad({ publisher, url: server.url, prefix, seed: 5 });

  const countPending = async (): Promise<number> =>
    (await readConsumers(installation)).reduce((sum, { pending }) => sum + pending, 0);
  await waitUntil('the aggregator is stopped with entries pending', async () => {
    await load.publish(STEP_EVENTS);
    void publisher.flush();
    if ((await countPending()) === 0) return false;
    process.kill(stuck.pid, 'SIGSTOP');
    await waitUntilStopped(stuck.pid);
    // Redis runs commands in order: when it replies to this one, it has done all earlier ones.
    await publisher.flush();
    if ((await countPending()) > 0) return true;
    process.kill(stuck.pid, 'SIGCONT');
    return false;
  });

  const other = await startServe(server.url, { ...env, STREAMFOLD_CONSUMER: 'other' });
  t.teardown(() => other.kill('SIGKILL'));
  await load.publish(STEP_EVENTS);
  await publisher.flush();
  await waitUntilAllFolded(installation);
  t.true((await readOwnMetric(other.url, 'streamfold_entries_claimed_total')) > 0);

  process.kill(stuck.pid, 'SIGCONT');
  await waitUntil(
    'its commit is contested',
    async () => (await readOwnMetric(stuck.url, 'streamfold_batches_total{outcome="contested"}')) > 0,
  );

  t.is(await other.kill('SIGTERM'), 0);
  await load.publish(STEP_EVENTS);
  await load.finish();
  await checkFoldedOnce(t, { ...installation, load, urls: [stuck.url] });
});

async function readOwnMetric(url: string, sample: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(parseSamples(text).get(sample));
}
