import { test } from '../harness/ava.ts';
import type { Generation } from '@streamfold/aggregator';
import { appendFlat } from '../harness/append-events.ts';
import { compareSamples } from '../harness/compare-samples.ts';
import { startFaultProxy } from '../harness/fault-proxy.ts';
import { generateEvents } from '../harness/generate-events.ts';
import { foldReference } from '../harness/reference-fold.ts';
import { parseSamples, scrape, withoutAges } from '../harness/scrape.ts';
import { openGroup } from '../harness/open-group.ts';
import { startAggregator, type TestAggregator } from '../harness/start-aggregator.ts';
import { shareRedis } from '../harness/start-redis.ts';
import { waitUntilFolded } from '../harness/wait-until-folded.ts';
import { waitUntil } from '../harness/wait-until.ts';

const { redis, url: redisUrl, port, stop } = await shareRedis();
test.after.always(stop);

/** Reads entries as `consumer` and leaves them pending, as a consumer does that dies after a read. */
async function readAndDie(generation: Generation, consumer: string, count: number): Promise<void> {
  const { shardKeys, keys } = generation;
  await redis.xreadgroup('GROUP', keys.group, consumer, 'COUNT', count, 'STREAMS', shardKeys.events, '>');
}

function publish(
  prefix: string,
  seed: number,
): { events: Record<string, string>[]; done: Promise<string[]> } {
  const events = [...generateEvents(300, { seed, bad: true })];
  return { events, done: appendFlat(redis, { prefix }, events) };
}

async function showsAllOf(aggregator: TestAggregator, events: Record<string, string>[]): Promise<string[]> {
  const reference = foldReference(events.map((fields) => ({ fields })));
  return compareSamples(withoutAges(await scrape(aggregator.url)), reference);
}

async function ownMetric(url: string, name: string): Promise<number> {
  return Number(parseSamples(await (await fetch(`${url}/metrics`)).text()).get(name));
}

test('an aggregator restarted with the same name folds its pending entries first, without waiting for a claim', async (t) => {
  const { prefix, generation } = await openGroup(redis, redisUrl);
  const { events, done } = publish(prefix, 1);
  await done;
  await readAndDie(generation, 'again:0', 100);
  await readAndDie(generation, 'again:1', 50);
  await readAndDie(generation, 'again:1/0123456789ab.7', 60); // a read that was sent ahead
  const aggregator = await startAggregator({ redisUrl, prefix, consumer: 'again', claimIdleMs: 86_400_000 });
  t.teardown(aggregator.stop);
  await waitUntilFolded(redis, { prefix });
  t.deepEqual(await showsAllOf(aggregator, events), []);
  t.false(aggregator.facts.some(({ type }) => type === 'entries_claimed'));
});

test('entries claimed from a dead consumer are folded once, even if several aggregators claim at the same time', async (t) => {
  const { prefix, generation } = await openGroup(redis, redisUrl);
  const { events, done } = publish(prefix, 2);
  await done;
  for (const consumer of ['dead:0', 'dead:1', 'other:0']) await readAndDie(generation, consumer, 60);
  const options = { redisUrl, prefix, claimIdleMs: 100, batchEntries: 7 };
  const aggregators = await Promise.all([1, 2, 3].map(() => startAggregator(options)));
  for (const each of aggregators) t.teardown(each.stop);
  await waitUntilFolded(redis, { prefix });
  for (const each of aggregators) t.deepEqual(await showsAllOf(each, events), []);
  let claimed = 0;
  for (const { url } of aggregators) claimed += await ownMetric(url, 'streamfold_entries_claimed_total');
  t.true(claimed >= 180);
});

test('no entry is claimed from a consumer before the idle time is over', async (t) => {
  const { prefix, generation } = await openGroup(redis, redisUrl);
  const { done } = publish(prefix, 3);
  await done;
  await readAndDie(generation, 'alive:0', 60);
  const aggregator = await startAggregator({ redisUrl, prefix, claimIdleMs: 60_000 });
  t.teardown(aggregator.stop);
  const { shardKeys, keys } = generation;
  await waitUntil('all entries except the 60 to be folded', async () => {
    const [pending] = (await redis.xpending(shardKeys.events, keys.group)) as [number];
    return pending === 60 && aggregator.facts.some(({ type }) => type === 'batch_committed');
  });
  t.false(aggregator.facts.some(({ type }) => type === 'entries_claimed'));
});

test('a stuck consumer that wakes up after its entries were claimed and committed counts nothing twice', async (t) => {
  const { prefix } = await openGroup(redis, redisUrl);
  const proxy = await startFaultProxy(port);
  t.teardown(proxy.stop);
  const held = proxy.holdBack(nameInCommit(prefix)); // only a commit names the dead-letter stream
  const stuck = await startAggregator({
    redisUrl: `redis://127.0.0.1:${proxy.port}`,
    prefix,
    consumer: 'stuck',
  });
  t.teardown(stuck.stop);
  const { events, done } = publish(prefix, 4);
  await done;
  const wakeUp = await held;

  const other = await startAggregator({ redisUrl, prefix, claimIdleMs: 100 });
  t.teardown(other.stop);
  await waitUntilFolded(redis, { prefix });
  t.true((await ownMetric(other.url, 'streamfold_entries_claimed_total')) > 0);
  t.deepEqual(await showsAllOf(other, events), []);

  wakeUp();
  await waitUntil('the commit to be contested', () =>
    stuck.facts.some(({ type }) => type === 'batch_contested'),
  );
  t.true((await ownMetric(stuck.url, 'streamfold_batches_total{outcome="contested"}')) >= 1);
  t.deepEqual(await showsAllOf(other, events), []);

  // It continues: new entries are folded by either.
  const more = publish(prefix, 5);
  await more.done;
  await waitUntilFolded(redis, { prefix });
  for (const each of [stuck, other]) t.deepEqual(await showsAllOf(each, [...events, ...more.events]), []);
});

test('a stop finishes the current batch and leaves neither pending entries nor consumers behind', async (t) => {
  const { prefix, generation } = await openGroup(redis, redisUrl);
  const { events, done } = publish(prefix, 6);
  await done;
  const aggregator = await startAggregator({ redisUrl, prefix, batchEntries: 10 });
  await waitUntil('a first batch', () => aggregator.facts.some(({ type }) => type === 'batch_committed'));
  await aggregator.stop();
  const { shardKeys, keys } = generation;
  t.is(((await redis.xpending(shardKeys.events, keys.group)) as [number])[0], 0);
  t.deepEqual(await redis.xinfo('CONSUMERS', shardKeys.events, keys.group), []);

  const next = await startAggregator({ redisUrl, prefix });
  t.teardown(next.stop);
  await waitUntilFolded(redis, { prefix });
  t.deepEqual(await showsAllOf(next, events), []);
});

test('a stop while a commit is under way waits for it', async (t) => {
  const { prefix, generation } = await openGroup(redis, redisUrl);
  const proxy = await startFaultProxy(port);
  t.teardown(proxy.stop);
  const held = proxy.holdBack(nameInCommit(prefix));
  const aggregator = await startAggregator({ redisUrl: `redis://127.0.0.1:${proxy.port}`, prefix });
  await appendFlat(redis, { prefix }, generateEvents(100, { seed: 7 }));
  const release = await held;
  const stopped = aggregator.stop();
  release();
  await stopped;
  t.true(aggregator.facts.some(({ type }) => type === 'batch_committed'));
  const { shardKeys, keys } = generation;
  t.is(((await redis.xpending(shardKeys.events, keys.group)) as [number])[0], 0);
});

/** Text that only a commit contains: the key of the dead letters right after that of the head. */
function nameInCommit(prefix: string): string {
  const dead = `${prefix}:{0}:dead`;
  return `:head\r\n$${dead.length}\r\n${dead}\r\n`;
}
