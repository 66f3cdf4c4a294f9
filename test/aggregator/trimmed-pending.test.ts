import { test } from '../harness/ava.ts';
import { readStatus } from '@streamfold/aggregator';
import { setTimeout as sleep } from 'node:timers/promises';
import { appendFlat } from '../harness/append-events.ts';
import { startFaultProxy } from '../harness/fault-proxy.ts';
import { parseSamples, scrape } from '../harness/scrape.ts';
import { openGroup } from '../harness/open-group.ts';
import { startAggregator, type TestAggregator } from '../harness/start-aggregator.ts';
import { shareRedis } from '../harness/start-redis.ts';
import { waitUntilFolded } from '../harness/wait-until-folded.ts';
import { waitUntil } from '../harness/wait-until.ts';

const { redis, url: redisUrl, port, stop } = await shareRedis();
test.after.always(stop);

const SENT = 'signals_sent_total{swarm_id="s1",signal_type="x"}';
const LOST = 'streamfold_entries_lost_total{reason="trimmed"}';

/** Only a commit names the key of the dead letters after that of the head. */
const COMMIT = /:head\r\n\$\d+\r\n\S+:dead\r\n/;

function signals(count: number, type = 'x'): Record<string, string>[] {
  const signal = { type: 'signal.sent', swarm_id: 's1', sender_id: 'a', receiver_id: 'b', signal_type: type };
  return Array.from({ length: count }, () => signal);
}

/** Upkeep every 20 ms, so that anything it counts is counted within the test. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(Math.min(ms, 20), undefined, { signal }).catch(() => undefined);
}

async function ownMetric({ url }: TestAggregator, name: string): Promise<number> {
  return Number(parseSamples(await (await fetch(`${url}/metrics`)).text()).get(name));
}

for (const consumer of ['dead', 'again']) {
  const whose = consumer === 'again' ? 'its own consumer before a restart' : 'a dead consumer';
  test(`entries trimmed while pending for ${whose} are counted as lost, once, and the others are folded`, async (t) => {
    const { prefix, generation } = await openGroup(redis, redisUrl);
    const { shardKeys, keys } = generation;
    await appendFlat(redis, { prefix }, signals(100));
    await redis.xreadgroup(
      'GROUP',
      keys.group,
      `${consumer}:0`,
      'COUNT',
      60,
      'STREAMS',
      shardKeys.events,
      '>',
    );
    await redis.xtrim(shardKeys.events, 'MAXLEN', 60);
    const aggregators = await Promise.all([
      startAggregator({ redisUrl, prefix, pause, consumer: 'again', claimIdleMs: 100 }),
      startAggregator({ redisUrl, prefix, pause, consumer: 'other', claimIdleMs: 100 }),
    ]);
    for (const each of aggregators) t.teardown(each.stop);
    await waitUntilFolded(redis, { prefix });
    await appendFlat(redis, { prefix }, signals(10));
    await waitUntilFolded(redis, { prefix });
    for (const { url } of aggregators) t.is((await scrape(url)).get(SENT), '70');
    let lost = 0;
    for (const each of aggregators) lost += await ownMetric(each, LOST);
    t.is(lost, 40);
    t.is((await readStatus(redis, { prefix, shard: 0 })).generation?.lostEntries, 40);
  });
}

/** Appends all of them before any consumer can read one. */
async function appendAtOnce(prefix: string, events: readonly Record<string, string>[]): Promise<void> {
  const transaction = redis.multi();
  for (const event of events) transaction.xadd(`${prefix}:{0}:events`, '*', ...Object.entries(event).flat());
  await transaction.exec();
}

/** Publishes 50 events and holds back their commit: `release` forwards it. */
async function holdCommit(
  t: { teardown: (end: () => Promise<void>) => void },
  prefix: string,
): Promise<{ aggregator: TestAggregator; release: () => void }> {
  const proxy = await startFaultProxy(port);
  t.teardown(proxy.stop);
  const aggregator = await startAggregator({
    redisUrl: `redis://127.0.0.1:${proxy.port}`,
    prefix,
    claimIdleMs: 86_400_000,
  });
  t.teardown(aggregator.stop);
  // A consumer starts with small batches: only after these does it read 50 at once.
  await appendAtOnce(prefix, signals(500, 'before'));
  await waitUntilFolded(redis, { prefix });
  const held = proxy.holdBack(COMMIT);
  await appendAtOnce(prefix, signals(50));
  return { aggregator, release: await held };
}

test('entries trimmed while their commit is under way are folded', async (t) => {
  const { prefix, generation } = await openGroup(redis, redisUrl);
  const { aggregator, release } = await holdCommit(t, prefix);
  await redis.xtrim(generation.shardKeys.events, 'MAXLEN', 0);
  release();
  await waitUntilFolded(redis, { prefix });
  t.is((await scrape(aggregator.url)).get(SENT), '50');
  t.is(await ownMetric(aggregator, LOST), 0);
});

test('entries that an aggregator finds trimmed among its own pending ones are counted as lost, and the others are folded', async (t) => {
  const { prefix, generation } = await openGroup(redis, redisUrl);
  const { shardKeys, keys } = generation;
  const { aggregator, release } = await holdCommit(t, prefix);
  const pending = (await redis.xpending(shardKeys.events, keys.group, '-', '+', 50)) as [string, string][];
  const last = pending.at(-1)?.[0] ?? '';
  // One entry is claimed by another consumer, so that the commit is contested; 20 others are trimmed.
  await redis.xclaim(shardKeys.events, keys.group, 'thief', 0, last);
  await redis.xtrim(shardKeys.events, 'MAXLEN', 30);
  release();
  await waitUntil('the rest to be committed', () =>
    aggregator.facts.some((fact) => fact.type === 'batch_committed' && fact.lostEntries > 0),
  );
  t.true(aggregator.facts.some(({ type }) => type === 'batch_contested'));
  t.is(await ownMetric(aggregator, LOST), 20);
  await redis.xclaim(shardKeys.events, keys.group, pending[0]?.[1] ?? '', 0, last); // given back
  await appendFlat(redis, { prefix }, signals(5));
  await aggregator.stop();

  const next = await startAggregator({ redisUrl, prefix, pause, claimIdleMs: 50 });
  t.teardown(next.stop);
  await waitUntilFolded(redis, { prefix });
  t.is((await scrape(next.url)).get(SENT), '35');
  t.is((await readStatus(redis, { prefix, shard: 0 })).generation?.lostEntries, 20);
});
