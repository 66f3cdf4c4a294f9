import { test } from '../harness/ava.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AggregatorOptions, Generation } from '@streamfold/aggregator';
import { removeGoneConsumers } from '@streamfold/aggregator/round-trips';
import { replyField } from '@streamfold/redis';
import { appendFlat } from '../harness/append-events.ts';
import { generateEvents } from '../harness/generate-events.ts';
import { openGroup } from '../harness/open-group.ts';
import { startAggregator, type TestAggregator } from '../harness/start-aggregator.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { waitForGeneration, waitUntilFolded } from '../harness/wait-until-folded.ts';
import { waitUntil } from '../harness/wait-until.ts';

const { redis, url: redisUrl, stop } = await shareRedis();
test.after.always(stop);

const pause: AggregatorOptions['pause'] = async (ms, signal) => {
  await sleep(Math.min(ms, 50), undefined, { signal }).catch(() => undefined);
};

/** An aggregator that looks for consumers that are gone every 50 ms. */
async function openWatched(
  prefix: string,
  options: { goneIdleMs: number; claimIdleMs: number },
): Promise<{ aggregator: TestAggregator; generation: Generation; consumers: () => Promise<string[]> }> {
  const aggregator = await startAggregator({ redisUrl, prefix, consumer: 'reads', pause, ...options });
  const generation = await waitForGeneration(redis, prefix);
  const { shardKeys, keys } = generation;
  const consumers = async (): Promise<string[]> => {
    const reply = (await redis.xinfo('CONSUMERS', shardKeys.events, keys.group)) as unknown[][];
    return reply.map((fields) => String(replyField(fields, 'name'))).toSorted();
  };
  return { aggregator, generation, consumers };
}

test('a consumer that is gone is removed if nothing is pending for it, and only then', async (t) => {
  const prefix = nextPrefix();
  const first = await startAggregator({ redisUrl, prefix, role: 'serve' });
  const { shardKeys, keys } = await waitForGeneration(redis, prefix);
  await first.stop();
  await appendFlat(redis, { prefix }, generateEvents(10, { seed: 1 }));
  await redis.xreadgroup('GROUP', keys.group, 'dead', 'COUNT', 3, 'STREAMS', shardKeys.events, '>');
  await redis.xgroup('CREATECONSUMER', shardKeys.events, keys.group, 'gone');

  const { aggregator, consumers } = await openWatched(prefix, { goneIdleMs: 300, claimIdleMs: 86_400_000 });
  t.teardown(aggregator.stop);
  await waitUntil('the gone consumer to be removed', async () => !(await consumers()).includes('gone'));
  t.true((await consumers()).includes('dead'));
  const pending = await redis.xpending(shardKeys.events, keys.group, '-', '+', 10, 'dead');
  t.is(pending.length, 3);
  await waitUntil('the removal to be reported', () =>
    aggregator.facts.some(({ type }) => type === 'consumers_removed'),
  );
  t.regex(
    await (await fetch(`${aggregator.url}/metrics`)).text(),
    /^streamfold_consumers_removed_total [1-9]/m,
  );
});

test('a consumer that waits for entries on an idle stream is not taken for gone', async (t) => {
  const prefix = nextPrefix();
  const { aggregator, generation, consumers } = await openWatched(prefix, {
    goneIdleMs: 1_200,
    claimIdleMs: 1_200,
  });
  t.teardown(aggregator.stop);
  const { shardKeys, keys } = generation;
  await waitUntil('both to read', async () => (await consumers()).length === 2);
  await redis.xgroup('CREATECONSUMER', shardKeys.events, keys.group, 'gone');
  await waitUntil('the gone consumer to be removed', async () => !(await consumers()).includes('gone'));
  t.deepEqual(await consumers(), ['reads:0', 'reads:1']);
  const removals = aggregator.facts.filter(({ type }) => type === 'consumers_removed');
  t.deepEqual(
    removals.map((fact) => (fact.type === 'consumers_removed' ? fact.consumers : 0)),
    [1],
  );
});

test('after an aggregator has caught up, only its two readers are consumers', async (t) => {
  const prefix = nextPrefix();
  const { aggregator, consumers } = await openWatched(prefix, {
    goneIdleMs: 86_400_000,
    claimIdleMs: 86_400_000,
  });
  t.teardown(aggregator.stop);
  await appendFlat(redis, { prefix }, generateEvents(5_000, { seed: 2 }));
  await waitUntilFolded(redis, { prefix });
  await waitUntil(
    'only the readers to be left',
    async () => (await consumers()).join() === 'reads:0,reads:1',
  );
  await aggregator.stop();
  t.deepEqual(await consumers(), []);
});

test('the consumer of a read by a dead aggregator is removed once its entries are claimed', async (t) => {
  const { prefix, generation } = await openGroup(redis, redisUrl);
  const { shardKeys, keys } = generation;
  await appendFlat(redis, { prefix }, generateEvents(10, { seed: 3 }));
  const dead = 'dead:0/0123456789ab.7';
  await redis.xreadgroup('GROUP', keys.group, dead, 'COUNT', 3, 'STREAMS', shardKeys.events, '>');
  const { aggregator, consumers } = await openWatched(prefix, { goneIdleMs: 300, claimIdleMs: 300 });
  t.teardown(aggregator.stop);
  await waitUntilFolded(redis, { prefix });
  await waitUntil('it to be removed', async () => !(await consumers()).includes(dead));
  t.true(aggregator.facts.some((fact) => fact.type === 'entries_claimed' && fact.entries === 3));
});

test('thousands of gone consumers are removed in a few steps', async (t) => {
  const GONE = 3_000;
  const { generation } = await openGroup(redis, redisUrl);
  const { shardKeys, keys } = generation;
  const pipeline = redis.pipeline();
  for (let n = 0; n < GONE; n++) pipeline.xgroup('CREATECONSUMER', shardKeys.events, keys.group, `gone-${n}`);
  await pipeline.exec();
  const countReads = async (): Promise<number> =>
    Number(/cmdstat_xinfo\|consumers:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1] ?? 0);
  const before = await countReads();
  t.true((await removeGoneConsumers(redis, generation, 0)) >= GONE);
  t.true((await countReads()) - before <= 20, 'the list of consumers is not read for each of them');
  t.deepEqual(await redis.xinfo('CONSUMERS', shardKeys.events, keys.group), []);
});
