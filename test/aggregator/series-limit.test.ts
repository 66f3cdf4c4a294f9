import { test } from '../harness/ava.ts';
import type { Definitions } from '@streamfold/core';
import { appendFlat } from '../harness/append-events.ts';
import { define } from '../harness/define.ts';
import { parseSamples, scrape, withoutAges } from '../harness/scrape.ts';
import { startAggregator, type TestAggregator } from '../harness/start-aggregator.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { waitUntilFolded } from '../harness/wait-until-folded.ts';
import { watchCounters } from '../harness/watch-counters.ts';

const { redis, url: redisUrl, stop } = await shareRedis();
test.after.always(stop);

const LIMITED: Definitions = define({ cardinality: { limit: 3 } });

function sent(swarm: string): Record<string, string> {
  return { type: 'signal.sent', swarm_id: swarm, sender_id: 'a', receiver_id: 'b', signal_type: 'x' };
}

function acked(receiver: string): Record<string, string> {
  return { ...sent('s'), type: 'signal.acked', receiver_id: receiver, latency_ms: '200' };
}

async function readCounts(url: string): Promise<Record<string, string>> {
  const samples = await scrape(url);
  const counts = [...samples].filter(([name]) => name.startsWith('signals_sent_total'));
  return Object.fromEntries(
    counts.map(([name, value]) => [/swarm_id="([^"]+)"/.exec(name)?.[1] ?? name, value]),
  );
}

test('every aggregator shows series beyond the limit as one, also after a restart; the state has all of them, and a higher limit shows them', async (t) => {
  const prefix = nextPrefix();
  const start = async (definitions: Definitions): Promise<TestAggregator> => {
    const aggregator = await startAggregator({ redisUrl, prefix, definitions });
    t.teardown(aggregator.stop);
    await scrape(aggregator.url);
    return aggregator;
  };
  const publish = async (...events: Record<string, string>[]): Promise<void> => {
    for (const event of events) {
      await appendFlat(redis, { prefix }, [event]); // one by one, so that their order is certain
      await waitUntilFolded(redis, { prefix });
    }
  };
  const first = await start(LIMITED);
  const watch = watchCounters([first.url]);
  await publish(...['one', 'two', 'three', 'four', 'five', 'one', 'four'].map(sent));
  t.deepEqual(await readCounts(first.url), { one: '2', two: '1', three: '1', other: '3' });
  await publish(...['a', 'b', 'c', 'd', 'e', 'd'].map(acked));
  const samples = await scrape(first.url);
  const labels = 'sender_id="other",receiver_id="other",signal_type="other"';
  t.is(samples.get(`signal_delivery_latency_seconds_count{${labels}}`), '3');
  t.is(samples.get(`signal_delivery_latency_seconds_sum{${labels}}`), '0.6');
  t.is(samples.get(`signal_delivery_latency_seconds_bucket{${labels},le="0.1"}`), '0');
  t.is(samples.get(`signal_delivery_latency_seconds_bucket{${labels},le="0.5"}`), '3');

  const second = await start(LIMITED);
  t.deepEqual(withoutAges(await scrape(second.url)), withoutAges(samples));
  await publish(...['six', 'two', 'other'].map(sent));
  t.deepEqual(await readCounts(first.url), { one: '2', two: '2', three: '1', other: '5' });
  t.deepEqual(withoutAges(await scrape(second.url)), withoutAges(await scrape(first.url)));
  t.deepEqual(await watch.stop(), []);

  const own = parseSamples(await (await fetch(`${first.url}/metrics`)).text());
  t.is(own.get('streamfold_series_folded_together{metric="signals_sent_total"}'), '4');
  t.is(own.get('streamfold_series_folded_together{metric="timeout_events_total"}'), '0');

  const unlimited = await start(define({ cardinality: { limit: 0 } }));
  t.false(unlimited.facts.some(({ type }) => type === 'rebuild_needed'));
  const all = { one: '2', two: '2', three: '1', four: '2', five: '1', six: '1', other: '1' };
  t.deepEqual(await readCounts(unlimited.url), all);
});
