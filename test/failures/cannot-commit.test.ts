import { test } from '../harness/ava.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { shardKeys } from '@streamfold/redis';
import { appendFlat } from '../harness/append-events.ts';
import { compareSamples } from '../harness/compare-samples.ts';
import { generateEvents } from '../harness/generate-events.ts';
import { readConsumers } from '../harness/read-consumers.ts';
import { foldReference } from '../harness/reference-fold.ts';
import { scrape, withoutAges } from '../harness/scrape.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { waitForGeneration, waitUntilFolded } from '../harness/wait-until-folded.ts';
import { waitUntil } from '../harness/wait-until.ts';

const { redis, url: redisUrl, stop } = await shareRedis();
test.after.always(stop);

const events = [...generateEvents(400, { seed: 5 })];
const reference = foldReference(events.map((fields) => ({ fields })));
/** How often a consumer of an earlier version reads its own entries again; in reality every 7.5 s. */
const READ_AGAIN_MS = 20;
const CLAIM_IDLE_MS = 600;

/** Pending entries of consumers whose names have this prefix. */
async function countPending(prefix: string, name: string): Promise<number> {
  const consumers = await readConsumers({ redis, prefix });
  return consumers.reduce((sum, each) => sum + (each.name.startsWith(name) ? each.pending : 0), 0);
}

async function readReasons(url: string): Promise<string[]> {
  const body = (await (await fetch(`${url}/prometheus/health`)).json()) as { reasons: { reason: string }[] };
  return body.reasons.map(({ reason }) => reason);
}

test('entries that an aggregator reads but cannot commit are folded by another, and by itself once it can', async (t) => {
  const prefix = nextPrefix();
  const limited = `limited-${prefix}`;
  await redis.acl('SETUSER', limited, 'on', '>secret', '~*', '+@all');
  const common = { prefix, claimIdleMs: CLAIM_IDLE_MS };
  const refused = await startAggregator({
    redisUrl: redisUrl.replace('redis://', `redis://${limited}:secret@`),
    consumer: 'refused',
    ...common,
  });
  t.teardown(refused.stop);
  await waitForGeneration(redis, prefix);
  await redis.acl('SETUSER', limited, '-xack');
  await appendFlat(redis, { prefix }, events.slice(0, 200));
  await waitUntil(
    'the aggregator to have entries pending',
    async () => (await countPending(prefix, 'refused')) > 0,
  );

  const healthy = await startAggregator({ redisUrl, consumer: 'healthy', ...common });
  await appendFlat(redis, { prefix }, events.slice(200, 300));
  await waitUntilFolded(redis, { prefix });
  await waitUntil('it to report that', async () =>
    (await readReasons(refused.url)).includes('commits_refused'),
  );
  await healthy.stop();

  await redis.acl('SETUSER', limited, '+@all');
  await appendFlat(redis, { prefix }, events.slice(300));
  await waitUntilFolded(redis, { prefix });
  await waitUntil(
    'the report to end',
    async () => !(await readReasons(refused.url)).includes('commits_refused'),
  );
  t.deepEqual(compareSamples(withoutAges(await scrape(refused.url)), reference), []);
});

test('entries that a consumer of an earlier version reads again and again are taken over', async (t) => {
  const prefix = nextPrefix();
  const first = await startAggregator({ redisUrl, prefix });
  const { keys } = await waitForGeneration(redis, prefix);
  await first.stop();
  const { events: stream } = shardKeys({ prefix, shard: 0 });
  await appendFlat(redis, { prefix }, events);
  const reader = redis.duplicate();
  t.teardown(() => reader.disconnect());
  await reader.xreadgroup('GROUP', keys.group, 'earlier', 'COUNT', 200, 'STREAMS', stream, '>');
  const over = new AbortController();
  t.teardown(() => over.abort());
  const reading = (async () => {
    while (!over.signal.aborted) {
      await reader.xreadgroup('GROUP', keys.group, 'earlier', 'COUNT', 200, 'STREAMS', stream, '0');
      await sleep(READ_AGAIN_MS);
    }
  })();
  const watcher = await startAggregator({ redisUrl, prefix, role: 'serve' });
  t.teardown(watcher.stop);
  await waitUntil('it to be reported', async () => (await readReasons(watcher.url)).includes('entries_held'));
  const aggregator = await startAggregator({ redisUrl, prefix, claimIdleMs: CLAIM_IDLE_MS });
  t.teardown(aggregator.stop);
  await waitUntilFolded(redis, { prefix });
  over.abort();
  await reading;
  t.deepEqual(compareSamples(withoutAges(await scrape(aggregator.url)), reference), []);
});
