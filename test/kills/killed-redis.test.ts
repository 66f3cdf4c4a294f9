import { test } from '../harness/ava.ts';
import { createPublisher } from '@streamfold/publisher';
import { checkFoldedOnce } from '../harness/check-folded-once.ts';
import { createRandom } from '../harness/generate-events.ts';
import { createLoad } from '../harness/publish-load.ts';
import { startServe } from '../harness/run-streamfold.ts';
import { amount } from '../harness/soaking.ts';
import { nextPrefix, startRedis } from '../harness/start-redis.ts';
import { waitUntil } from '../harness/wait-until.ts';

const EVENTS = amount({ test: 5_000, soak: 40_000 });
const KILLS = 3;
const STEP_EVENTS = 500;

test('a Redis that syncs every write is killed and restarted under load: every acknowledged event is folded once', async (t) => {
  const server = await startRedis({ appendonly: true, appendfsync: 'always' });
  t.teardown(() => server.stop());
  const prefix = nextPrefix();
  const env = { STREAMFOLD_PREFIX: prefix, STREAMFOLD_CLAIM_IDLE_MS: '500' };
  const aggregators = await Promise.all([startServe(server.url, env), startServe(server.url, env)]);
  t.teardown(() => Promise.all(aggregators.map((each) => each.kill('SIGTERM'))));
  const retried = new Set<string>();
  const publisher = createPublisher({
    url: server.url,
    prefix,
    maxBatchEvents: 50,
    maxBufferedEvents: 2_000, // so that the load lasts as long as the kills
    observer: { retried: ({ reason }) => retried.add(reason) },
  });
  t.teardown(() => publisher.close());
  const load = createLoad({ publisher, url: server.url, prefix, seed: 3 });
  const random = createRandom(3);
  let kills = 0;

  const publish = async (): Promise<void> => {
    while (load.events.length < EVENTS) {
      await load.publish(STEP_EVENTS);
      await publisher.room();
    }
    await load.finish();
  };
  const kill = async (): Promise<void> => {
    while (kills < KILLS) {
      const due = (EVENTS * (kills + random())) / (KILLS + 1);
      await waitUntil('enough is published', () => publisher.stats().published > due);
      await server.kill('SIGKILL');
      await server.restart();
      kills += 1;
    }
  };
  await Promise.all([publish(), kill()]);

  await checkFoldedOnce(t, { redis: server.redis, prefix, load, urls: aggregators.map(({ url }) => url) });
  const { published, dropped, bufferedEvents } = publisher.stats();
  t.is(published, load.throughPublisher, 'the publisher reports what is in the stream');
  t.is(dropped.fate_unknown, 0);
  t.is(bufferedEvents, 0);
  t.true(retried.has('no_reply'), 'some replies were lost');
  t.log(
    `${load.events.length} events, ${load.doubtful.size} of them doubtful, retried for ${[...retried].join(', ')}`,
  );
});
