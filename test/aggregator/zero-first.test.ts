import { randomUUID } from 'node:crypto';
import { test } from '../harness/ava.ts';
import { createShardView, type Generation } from '@streamfold/aggregator';
import { CATALOGUE, swarmShard } from '@streamfold/core';
import { appendFlat, eventsKey } from '../harness/append-events.ts';
import { compareSamples } from '../harness/compare-samples.ts';
import { generateEvents, type WireEvent } from '../harness/generate-events.ts';
import { FALSE_SERIES } from '../harness/falsify-state.ts';
import { type Samples, scrape, withoutAges } from '../harness/scrape.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { waitForGeneration, waitUntilFolded } from '../harness/wait-until-folded.ts';
import { waitUntil } from '../harness/wait-until.ts';

const { redis, url: redisUrl, stop } = await shareRedis();
test.after.always(stop);

/** Longer than any test of this file takes. */
const LONG_SECONDS = 300;

const GAUGES = new Set(CATALOGUE.filter(({ type }) => type === 'gauge').map(({ name }) => name));

function isGauge(sample: string): boolean {
  return GAUGES.has(sample.slice(0, sample.indexOf('{')));
}

/** The samples as they are if all counters and histograms are shown as 0. */
function asZeros(samples: Samples): Samples {
  return new Map([...samples].map(([name, value]) => [name, isGauge(name) ? value : '0']));
}

function timeoutOf(coordinator_id: string, swarm_id = 's1'): WireEvent {
  return { type: 'timeout', swarm_id, coordinator_id, timeout_type: 'blocking' };
}

function timeouts(coordinatorId: string): string {
  return `timeout_events_total{coordinator_id="${coordinatorId}",timeout_type="blocking"}`;
}

/** XADD of one event with an explicit ID before all others: an old event. */
async function appendHistory(prefix: string, event: WireEvent): Promise<void> {
  await redis.xadd(eventsKey({ prefix }), '5-1', ...Object.entries(event).flat());
}

/** Writes a snapshot of the delta log, from which aggregators start. */
async function takeSnapshot(generation: Generation): Promise<void> {
  const view = createShardView({
    redis,
    generation,
    listener: { changed: () => undefined, replaced: () => undefined },
    observe: () => undefined,
    createId: randomUUID,
    snapshotRecords: 1,
  });
  await view.refresh();
  await view.writeSnapshotWhenDue();
}

test('counters and histograms are shown as 0 until they have the requested age, and then with their values', async (t) => {
  const prefix = nextPrefix();
  const { url, stop: end } = await startAggregator({ redisUrl, prefix, batchEntries: 20 });
  t.teardown(end);
  await appendFlat(redis, { prefix }, generateEvents(300, { seed: 21 }));
  await waitUntilFolded(redis, { prefix });
  const plain = withoutAges(await scrape(url));
  t.true([...plain].some(([name]) => name.includes('_bucket{')));
  t.deepEqual(compareSamples(withoutAges(await scrape(url, LONG_SECONDS)), asZeros(plain)), []);

  let seen: Samples = new Map();
  await waitUntil('every series to show its real value', async () => {
    seen = withoutAges(await scrape(url, 1));
    const strange = [...seen].filter(([name, value]) => value !== plain.get(name) && value !== '0');
    if (strange.length > 0 || seen.size !== plain.size) return true;
    return compareSamples(seen, plain).length === 0;
  });
  t.deepEqual(compareSamples(seen, plain), []);
  t.deepEqual(compareSamples(withoutAges(await scrape(url, LONG_SECONDS)), asZeros(plain)), []);
  t.deepEqual(compareSamples(withoutAges(await scrape(url)), plain), []);
});

test('an old series is shown with its value at once, whatever is added to it', async (t) => {
  const prefix = nextPrefix();
  await appendHistory(prefix, timeoutOf('old'));
  const { url, stop: end } = await startAggregator({ redisUrl, prefix });
  t.teardown(end);
  await waitUntilFolded(redis, { prefix });
  t.is((await scrape(url, LONG_SECONDS)).get(timeouts('old')), '1');
  await appendFlat(redis, { prefix }, [timeoutOf('old'), timeoutOf('new')]);
  await waitUntilFolded(redis, { prefix });
  const samples = await scrape(url, LONG_SECONDS);
  t.is(samples.get(timeouts('old')), '2');
  t.is(samples.get(timeouts('new')), '0');
});

test('all replicas show the same series as 0, including those that start later from the log or from a snapshot', async (t) => {
  const prefix = nextPrefix();
  await appendHistory(prefix, timeoutOf('old'));
  const start = async (): Promise<string> => {
    const aggregator = await startAggregator({ redisUrl, prefix, batchEntries: 10 });
    t.teardown(aggregator.stop);
    return aggregator.url;
  };
  const urls = [await start(), await start()];
  await waitUntilFolded(redis, { prefix });
  await appendFlat(redis, { prefix }, [...generateEvents(200, { seed: 22 }), timeoutOf('old')]);
  await waitUntilFolded(redis, { prefix });
  urls.push(await start());
  const generation = await waitForGeneration(redis, prefix);
  await takeSnapshot(generation);
  t.is(await redis.exists(generation.keys.snapshot), 1);
  await redis.del(generation.keys.deltas); // so that only the snapshot can be read
  urls.push(await start());

  const plain = withoutAges(await scrape(urls[0] ?? ''));
  t.is(plain.get(timeouts('old')), '2');
  const expected = new Map([...asZeros(plain), [timeouts('old'), '2']]);
  for (const url of urls) {
    await waitUntil(`${url} to be ready`, async () => (await fetch(`${url}/readyz`)).ok);
    t.deepEqual(compareSamples(withoutAges(await scrape(url, LONG_SECONDS)), expected), []);
  }
});

test('a series that a rebuild folds again has the age of its event, not of its record', async (t) => {
  const prefix = nextPrefix();
  const [seconds] = await redis.time();
  const minuteAgo = `${(Number(seconds) - 60) * 1_000}-0`;
  await redis.xadd(eventsKey({ prefix }), minuteAgo, ...Object.entries(timeoutOf('a')).flat());
  const first = await startAggregator({ redisUrl, prefix });
  await waitUntilFolded(redis, { prefix });
  t.is((await scrape(first.url, 30)).get(timeouts('a')), '0');
  await first.stop();

  const { deltas, head } = (await waitForGeneration(redis, prefix)).keys;
  const records = await redis.xrange(deltas, '-', '+');
  await redis.del(deltas);
  for (const [id, fields] of records) {
    t.true(fields.includes('live'));
    await redis.xadd(deltas, id, ...fields.map((field) => (field === 'live' ? 'replayed' : field)));
  }
  t.is(await redis.hget(head, 'position'), records.at(-1)?.[0] ?? '');
  const second = await startAggregator({ redisUrl, prefix });
  t.teardown(second.stop);
  await waitUntil('it to be ready', async () => (await fetch(`${second.url}/readyz`)).ok);
  t.is((await scrape(second.url, 30)).get(timeouts('a')), '1');
  t.is((await scrape(second.url, LONG_SECONDS)).get(timeouts('a')), '0');
});

test('a series that several shards hold has the age of its oldest part', async (t) => {
  const prefix = nextPrefix();
  const shards = 2;
  const swarms = ['s1', 's2', 's3', 's4', 's5', 's6'];
  const swarmOf = (shard: number): string => swarms.find((id) => swarmShard(id, shards) === shard) ?? '';
  const old = Object.entries(timeoutOf('both', swarmOf(0))).flat();
  await redis.xadd(eventsKey({ prefix, shard: 0 }), '5-1', ...old);
  const { url, stop: end } = await startAggregator({ redisUrl, prefix, shards });
  t.teardown(end);
  await waitUntilFolded(redis, { prefix });
  for (const shard of [0, 1]) {
    await appendFlat(redis, { prefix, shard }, [timeoutOf('new', swarmOf(shard))]);
  }
  await appendFlat(redis, { prefix, shard: 1 }, [timeoutOf('both', swarmOf(1))]);
  for (const shard of [0, 1]) await waitUntilFolded(redis, { prefix, shard });
  const samples = await scrape(url, LONG_SECONDS);
  t.is(samples.get(timeouts('both')), '2');
  t.is(samples.get(timeouts('new')), '0');
});

test('an age other than one whole number from 1 to 300 is refused in one line', async (t) => {
  const { url, stop: end } = await startAggregator({ redisUrl, prefix: nextPrefix() });
  t.teardown(end);
  for (const bad of ['0', '301', '-1', '1.5', '1e2', '', '020', 'x\ny', '20&zero_first_seconds=20']) {
    const response = await fetch(`${url}/prometheus/metrics?zero_first_seconds=${bad}`);
    t.is(response.status, 400, bad);
    t.regex(
      await response.text(),
      /^# zero_first_seconds: expected one whole number from 1 to 300; got .*\n$/,
      bad,
    );
  }
  for (const good of ['1', '300']) {
    const response = await fetch(`${url}/prometheus/metrics?zero_first_seconds=${good}`);
    t.not(response.status, 400, good);
  }
});

test('series born while the clock is ahead, or after it was set back, are not held at 0 until it has caught up', async (t) => {
  const prefix = nextPrefix();
  const aggregator = await startAggregator({ redisUrl, prefix });
  t.teardown(aggregator.stop);
  const generation = await waitForGeneration(redis, prefix);
  // A record one hour ahead: the IDs of later records count up from it.
  const { deltas, head } = generation.keys;
  const ahead = `${Date.now() + 3_600_000}-0`;
  const previous = (await redis.hget(head, 'position')) ?? '0-0';
  const delta =
    '{"series":{"signals_sent_total":["nobody|x",5]},"coordinators":[],"totals":[0,0,0],"watermark":""}';
  const fields = ['previous', previous, 'watermark', '', 'delta', delta, 'live', ahead];
  await redis
    .multi()
    .xadd(deltas, ahead, ...fields)
    .hset(head, 'position', ahead)
    .exec();
  await scrape(aggregator.url);
  t.is((await scrape(aggregator.url, LONG_SECONDS)).get(FALSE_SERIES), '5');

  await appendFlat(redis, { prefix }, [
    { type: 'signal.sent', swarm_id: 's1', sender_id: 'a', receiver_id: 'b', signal_type: 'plan' },
  ]);
  await waitUntilFolded(redis, { prefix });
  const sent = 'signals_sent_total{swarm_id="s1",signal_type="plan"}';
  t.is((await scrape(aggregator.url, LONG_SECONDS)).get(sent), '0', 'it is young');
  await waitUntil('it is a second old', async () => (await scrape(aggregator.url, 1)).get(sent) === '1');
});
