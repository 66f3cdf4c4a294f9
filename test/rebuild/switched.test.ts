import { test } from '../harness/ava.ts';
import { findGeneration, readRegistry } from '@streamfold/aggregator';
import { generationsKey } from '@streamfold/redis';
import { appendFlat } from '../harness/append-events.ts';
import { FALSE_SERIES, falsifyState } from '../harness/falsify-state.ts';
import { checkReplicasAgree } from '../harness/replicas-agree.ts';
import { runStreamfold } from '../harness/run-streamfold.ts';
import { scrapeOnce, scrape } from '../harness/scrape.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { waitUntilFolded } from '../harness/wait-until-folded.ts';

const { redis, url: redisUrl, stop } = await shareRedis();
test.after.always(stop);

const SENT = { type: 'signal.sent', swarm_id: 's', sender_id: 'a', receiver_id: 'b', signal_type: 'x' };
const SERIES = 'signals_sent_total{swarm_id="s",signal_type="x"}';

test('a new live generation is served only once it has folded every entry served before: until then 503, never lower values', async (t) => {
  const prefix = nextPrefix();
  const serving = await startAggregator({ redisUrl, prefix, role: 'serve' });
  t.teardown(serving.stop);
  const fold = (): ReturnType<typeof startAggregator> => startAggregator({ redisUrl, prefix, role: 'fold' });
  const first = await fold();
  await appendFlat(
    redis,
    { prefix },
    Array.from({ length: 10 }, () => SENT),
  );
  await waitUntilFolded(redis, { prefix });
  await first.stop();
  const live = await findGeneration(redis, { prefix, shard: 0 });
  if (live === undefined) return t.fail();
  // Built, and then left behind: the live one folds new events, the other one does not.
  await falsifyState(redis, live);
  t.is((await runStreamfold(['rebuild', '--redis', redisUrl, '--prefix', prefix])).code, 1);
  const { building = '' } = await readRegistry(redis, prefix);
  await redis.hset(generationsKey(prefix), `${building}:stage`, 'archive');
  await appendFlat(
    redis,
    { prefix },
    Array.from({ length: 5 }, () => SENT),
  );
  const second = await fold();
  await waitUntilFolded(redis, { prefix });
  await second.stop();
  t.is((await scrape(serving.url)).get(SERIES), '15');

  await redis
    .multi()
    .hset(generationsKey(prefix), {
      live: building,
      [`${building}:state`]: 'live',
      [`${live.id}:state`]: 'retired',
    })
    .hdel(generationsKey(prefix), 'building')
    .exec();
  await t.throwsAsync(scrapeOnce(serving.url), { message: /got 503/ });
  const third = await fold();
  t.teardown(third.stop);
  const samples = await scrape(serving.url);
  t.is(samples.get(SERIES), '15');
  t.false(samples.has(FALSE_SERIES), 'the new generation is live');
  await checkReplicasAgree(t, { redis, prefix }, [serving.url]);
});
