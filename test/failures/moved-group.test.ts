import { setTimeout as sleep } from 'node:timers/promises';
import { test } from '../harness/ava.ts';
import { shardKeys } from '@streamfold/redis';
import { appendFlat } from '../harness/append-events.ts';
import { readPairs } from '../harness/check-folded-once.ts';
import { compareSamples } from '../harness/compare-samples.ts';
import { generateEvents } from '../harness/generate-events.ts';
import { foldReference } from '../harness/reference-fold.ts';
import { openGroup } from '../harness/open-group.ts';
import { checkReplicasAgree } from '../harness/replicas-agree.ts';
import { scrape, withoutAges } from '../harness/scrape.ts';
import { startAggregator, type TestAggregator } from '../harness/start-aggregator.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { waitForGeneration, waitUntilFolded } from '../harness/wait-until-folded.ts';
import { waitUntil } from '../harness/wait-until.ts';

const { redis, url: redisUrl, stop } = await shareRedis();
test.after.always(stop);

const ENTRIES = 500;
const events = [...generateEvents(ENTRIES + 1, { seed: 3 })];
const reference = foldReference(events.map((fields) => ({ fields })));

/** Upkeep every few ms, so that a wrong count shows soon. */
const UPKEEP_MS = 20;
const often = { pause: (ms: number) => sleep(Math.min(ms, UPKEEP_MS)) };

function sum({ facts }: TestAggregator, type: 'entries_lost' | 'entries_repeated'): number {
  return facts.reduce((total, fact) => total + (fact.type === type ? fact.entries : 0), 0);
}

/** Resolves once upkeep has checked the shard again: another entry is trimmed unread, and upkeep has counted it. */
async function countOneLoss(aggregator: TestAggregator, prefix: string): Promise<number> {
  const { keys, shardKeys: stream } = await waitForGeneration(redis, prefix);
  const before = sum(aggregator, 'entries_lost');
  await redis
    .multi()
    .xadd(stream.events, '*', 'type', 'trimmed.unread')
    .xgroup('SETID', stream.events, keys.group, '$')
    .exec();
  await waitUntil('the loss to be counted', () => sum(aggregator, 'entries_lost') > before);
  return sum(aggregator, 'entries_lost') - before;
}

test('after a group is moved back to the beginning of the stream no entry is folded twice or counted as lost', async (t) => {
  const prefix = nextPrefix();
  const aggregator = await startAggregator({ redisUrl, prefix, batchEntries: 100, ...often });
  t.teardown(aggregator.stop);
  await appendFlat(redis, { prefix }, events.slice(0, ENTRIES));
  await waitUntilFolded(redis, { prefix });
  const { keys } = await waitForGeneration(redis, prefix);
  await redis.xgroup('SETID', shardKeys({ prefix, shard: 0 }).events, keys.group, '0');
  await appendFlat(redis, { prefix }, events.slice(ENTRIES));
  await waitUntil('all to be acknowledged', () => sum(aggregator, 'entries_repeated') === ENTRIES);
  await waitUntilFolded(redis, { prefix });
  t.deepEqual(compareSamples(withoutAges(await scrape(aggregator.url)), reference), []);
  t.is(await countOneLoss(aggregator, prefix), 1);
  await checkReplicasAgree(t, { redis, prefix }, [aggregator.url]);
});

test('no entry counts as lost if a stream is renamed away and back', async (t) => {
  const prefix = nextPrefix();
  const aggregator = await startAggregator({ redisUrl, prefix, ...often });
  t.teardown(aggregator.stop);
  await appendFlat(redis, { prefix }, events.slice(0, ENTRIES));
  await waitUntilFolded(redis, { prefix });
  const { events: stream } = shardKeys({ prefix, shard: 0 });
  await redis.rename(stream, `${stream}-away`);
  await waitUntil('the group to be restored on a new stream', () =>
    aggregator.facts.some(({ type }) => type === 'group_restored'),
  );
  await redis.rename(`${stream}-away`, stream);
  await appendFlat(redis, { prefix }, events.slice(ENTRIES));
  await waitUntilFolded(redis, { prefix });
  await waitUntil('upkeep to see another stream', () =>
    aggregator.facts.some(({ type }) => type === 'stream_replaced'),
  );
  t.is(sum(aggregator, 'entries_lost'), 0);
  t.is(await countOneLoss(aggregator, prefix), 1);
  t.deepEqual(compareSamples(withoutAges(await scrape(aggregator.url)), reference), []);
  await checkReplicasAgree(t, { redis, prefix }, [aggregator.url]);
});

test('entries of a new stream are folded even if the clock of Redis is behind the entries folded before', async (t) => {
  const prefix = nextPrefix();
  const aggregator = await startAggregator({ redisUrl, prefix });
  t.teardown(aggregator.stop);
  const { events: stream } = shardKeys({ prefix, shard: 0 });
  const ahead = `${Date.now() + 3_600_000}-0`;
  await redis.xadd(stream, ahead, ...Object.entries(events[0] ?? {}).flat());
  await waitUntilFolded(redis, { prefix });
  await redis.del(stream);
  await waitUntil('the group to be restored', () =>
    aggregator.facts.some(({ type }) => type === 'group_restored'),
  );
  await appendFlat(redis, { prefix }, events.slice(1));
  await waitUntilFolded(redis, { prefix });
  t.deepEqual(compareSamples(withoutAges(await scrape(aggregator.url)), reference), []);
  await checkReplicasAgree(t, { redis, prefix }, [aggregator.url]);
});

const MOVES = [
  [
    'a group that is destroyed while an older entry is pending folds no later entry twice',
    (stream: string, group: string) => redis.xgroup('DESTROY', stream, group),
  ],
  [
    'a group that is moved back to its beginning while an older entry is pending folds no later entry twice',
    (stream: string, group: string) => redis.xgroup('SETID', stream, group, '0'),
  ],
] as const;

for (const [title, move] of MOVES) {
  test(title, async (t) => {
    const { prefix, generation } = await openGroup(redis, redisUrl);
    const { events: stream } = generation.shardKeys;
    const { group } = generation.keys;
    const DEAD = 10;
    await appendFlat(redis, { prefix }, events.slice(0, ENTRIES));
    await redis.xreadgroup('GROUP', group, 'dead', 'COUNT', DEAD, 'STREAMS', stream, '>');
    const aggregator = await startAggregator({
      redisUrl,
      prefix,
      claimIdleMs: 86_400_000,
      batchEntries: 100,
    });
    t.teardown(aggregator.stop);
    await waitUntil('all but the oldest to be folded', async () => {
      const [found] = ((await redis.xinfo('GROUPS', stream)) as unknown[]).map(readPairs);
      return found?.get('pending') === DEAD && found.get('lag') === 0;
    });

    await move(stream, group);
    await appendFlat(redis, { prefix }, events.slice(ENTRIES));
    await waitUntil(
      'the later ones to be acknowledged again',
      () => sum(aggregator, 'entries_repeated') >= ENTRIES - DEAD,
    );
    await waitUntilFolded(redis, { prefix });
    t.deepEqual(compareSamples(withoutAges(await scrape(aggregator.url)), reference), []);
    await waitUntil(
      'losses to be counted again',
      async () => (await redis.hexists(generation.keys.head, 'baseline')) === 1,
    );
    t.is(await countOneLoss(aggregator, prefix), 1);
    await checkReplicasAgree(t, { redis, prefix }, [aggregator.url]);
  });
}
