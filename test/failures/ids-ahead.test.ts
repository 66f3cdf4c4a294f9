import { test } from '../harness/ava.ts';
import { shardKeys } from '@streamfold/redis';
import { appendFlat } from '../harness/append-events.ts';
import { compareSamples } from '../harness/compare-samples.ts';
import { generateEvents } from '../harness/generate-events.ts';
import { foldReference } from '../harness/reference-fold.ts';
import { scrape, withoutAges } from '../harness/scrape.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { waitForGeneration, waitUntilFolded } from '../harness/wait-until-folded.ts';
import { waitUntil } from '../harness/wait-until.ts';

const { redis, url: redisUrl, stop } = await shareRedis();
test.after.always(stop);

interface Health {
  readonly status: string;
  readonly lag_seconds: number;
  readonly reasons: readonly { readonly reason: string }[];
}

const readHealth = async (url: string): Promise<Health> =>
  (await (await fetch(`${url}/prometheus/health`)).json()) as Health;

const events = [...generateEvents(200, { seed: 9 })];
const reference = foldReference(events.map((fields) => ({ fields })));

for (const [unit, id] of [
  ['microseconds', `${Date.now()}000-0`],
  ['nanoseconds', `${Date.now()}123457-0`],
] as const) {
  test(`an entry with an ID in ${unit} is reported, and all later entries are folded, each once`, async (t) => {
    const prefix = nextPrefix();
    const aggregator = await startAggregator({ redisUrl, prefix, batchEntries: 20 });
    t.teardown(aggregator.stop);
    const { events: stream } = shardKeys({ prefix, shard: 0 });
    await waitForGeneration(redis, prefix);
    await redis.xadd(stream, id, ...Object.entries(events[0] ?? {}).flat());
    await appendFlat(redis, { prefix }, events.slice(1));
    await waitUntilFolded(redis, { prefix });
    t.deepEqual(compareSamples(withoutAges(await scrape(aggregator.url)), reference), []);
    const { status, reasons } = await readHealth(aggregator.url);
    t.true(reasons.some(({ reason }) => reason === 'ids_ahead'));
    t.is(status, 'degraded');
  });
}

test('the waiting time of an uncommitted entry from the future starts at its delivery', async (t) => {
  const prefix = nextPrefix();
  const aggregator = await startAggregator({ redisUrl, prefix, role: 'serve' });
  t.teardown(aggregator.stop);
  const { keys, shardKeys: stream } = await waitForGeneration(redis, prefix);
  await redis.xadd(stream.events, `${Date.now()}000-0`, 'type', 'x');
  await redis.xreadgroup('GROUP', keys.group, 'stuck', 'COUNT', 1, 'STREAMS', stream.events, '>');
  await waitUntil('its age to grow', async () => (await readHealth(aggregator.url)).lag_seconds > 0.3);
  t.pass();
});
