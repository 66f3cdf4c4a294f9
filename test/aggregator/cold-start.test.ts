import { test } from '../harness/ava.ts';
import { appendTogether } from '../harness/append-events.ts';
import { parseSamples } from '../harness/scrape.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { waitUntilFolded } from '../harness/wait-until-folded.ts';
import { waitUntil } from '../harness/wait-until.ts';

const { redis, url: redisUrl, stop } = await shareRedis();
test.after.always(stop);

const SERIES = 100_000;
/** About a second on an idle machine; generous, because other tests run beside this one. */
const READY_WITHIN_MS = 10_000;

test('an aggregator is ready soon after it starts on a state of 100,000 series', async (t) => {
  const prefix = nextPrefix();
  for (let from = 0; from < SERIES; from += 1_000) {
    const events = Array.from({ length: 1_000 }, (_, n) => ({
      type: 'signal.acked',
      swarm_id: 's1',
      sender_id: `sender-${from + n}`,
      receiver_id: 'receiver',
      signal_type: 'completion',
      latency_ms: '12.5',
    }));
    await appendTogether(redis, { prefix }, events);
  }
  const folds = await startAggregator({ redisUrl, prefix, role: 'fold' });
  await waitUntilFolded(redis, { prefix });
  await folds.stop();

  const startedMs = performance.now();
  const aggregator = await startAggregator({ redisUrl, prefix });
  t.teardown(aggregator.stop);
  await waitUntil(
    'it to be ready',
    async () => (await fetch(`${aggregator.url}/readyz`)).ok,
    READY_WITHIN_MS,
  );
  t.log(`ready after ${Math.round(performance.now() - startedMs)} ms`);
  const own = parseSamples(await (await fetch(`${aggregator.url}/metrics`)).text());
  t.is(own.get('streamfold_series'), String(SERIES));
});
