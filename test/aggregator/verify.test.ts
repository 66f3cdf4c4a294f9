import { test } from '../harness/ava.ts';
import { createShardView, verifyShard, type Generation } from '@streamfold/aggregator';
import { appendFlat, appendTogether } from '../harness/append-events.ts';
import { generateEvents } from '../harness/generate-events.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { waitForGeneration, waitUntilFolded } from '../harness/wait-until-folded.ts';
import { waitUntil } from '../harness/wait-until.ts';

const { redis, url: redisUrl, stop } = await shareRedis();
test.after.always(stop);

const OPTIONS = { shards: 1, onProgress: () => undefined };

/** Publishes and folds 1,000 events, without an aggregator that keeps running. */
async function fold(): Promise<{ prefix: string; generation: Generation }> {
  const prefix = nextPrefix();
  const aggregator = await startAggregator({ redisUrl, prefix, batchEntries: 30 });
  await appendFlat(redis, { prefix }, generateEvents(1_000, { seed: 1, bad: true }));
  await waitUntilFolded(redis, { prefix });
  await aggregator.stop();
  return { prefix, generation: await waitForGeneration(redis, prefix) };
}

/** Writes a snapshot of the current state; returns the key of its parts. */
async function writeSnapshot(generation: Generation): Promise<string> {
  const view = createShardView({
    redis,
    generation,
    listener: { changed: () => undefined, replaced: () => undefined },
    observe: () => undefined,
    createId: () => 'by-hand',
    snapshotRecords: 1,
  });
  await view.refresh();
  await view.writeSnapshotWhenDue();
  return generation.keys.snapshotParts('by-hand');
}

test('the live state equals the fold of the stream at every moment of a busy stream', async (t) => {
  const prefix = nextPrefix();
  const options = { redisUrl, prefix, batchEntries: 11 };
  const aggregators = await Promise.all([startAggregator(options), startAggregator(options)]);
  for (const each of aggregators) t.teardown(each.stop);
  const generation = await waitForGeneration(redis, prefix);
  let published = 0;
  const publishing = (async () => {
    for (let seed = 0; seed < 40; seed++) {
      await appendFlat(redis, { prefix }, generateEvents(60, { seed, bad: true }));
      await appendTogether(redis, { prefix }, generateEvents(40, { seed: seed + 100, bad: true }));
      published++;
    }
  })();
  const seen = new Set<number>();
  while (published < 40) {
    const { equal, differences, entries } = await verifyShard(redis, generation, OPTIONS);
    t.deepEqual(differences, []);
    t.true(equal);
    seen.add(entries);
  }
  await publishing;
  t.true(seen.size > 2, 'verify ran while entries arrived');
  await waitUntilFolded(redis, { prefix });
  const final = await verifyShard(redis, generation, OPTIONS);
  t.deepEqual(
    [final.equal, final.entries, final.pendingEntries, final.missingEntries],
    [true, 40 * 61, 0, 0],
  );
});

test('counts of a delta record that come from no event are named', async (t) => {
  const { generation } = await fold();
  const { deltas, head } = generation.keys;
  const previous = (await redis.hget(head, 'position')) ?? '';
  const delta = {
    series: { signals_sent_total: ['s9|planted', 3] },
    coordinators: [],
    totals: [0, 0, 0],
    watermark: '',
  };
  const id = await redis.xadd(
    deltas,
    '*',
    'previous',
    previous,
    'watermark',
    '',
    'delta',
    JSON.stringify(delta),
  );
  await redis.hset(head, 'position', id ?? '');
  const { equal, differences } = await verifyShard(redis, generation, OPTIONS);
  t.false(equal);
  t.deepEqual(differences, [
    { what: 'signals_sent_total{swarm_id="s9",signal_type="planted"}', live: '3', folded: null },
  ]);
});

test('a difference between a snapshot and the fold is named', async (t) => {
  const { generation } = await fold();
  const key = await writeSnapshot(generation);
  t.true((await verifyShard(redis, generation, OPTIONS)).equal);
  const part = (await redis.hget(key, '0')) ?? '';
  const tampered = part.replace(/(?<="signals_sent_total":\["[^|"]+\|[^"]+",)\d+/, (count) =>
    String(Number(count) + 1),
  );
  t.not(tampered, part);
  await redis.hset(key, '0', tampered);
  const { equal, differences } = await verifyShard(redis, generation, OPTIONS);
  t.false(equal);
  t.is(differences.length, 1);
  const [difference] = differences;
  t.regex(difference?.what ?? '', /^signals_sent_total\{/);
  t.is(Number(difference?.live), Number(difference?.folded) + 1);
});

test('a record missing from the delta log is noticed', async (t) => {
  const { generation } = await fold();
  const records = await redis.xrange(generation.keys.deltas, '-', '+');
  await redis.xdel(generation.keys.deltas, records[Math.floor(records.length / 2)]?.[0] ?? '');
  await t.throwsAsync(verifyShard(redis, generation, OPTIONS), {
    message: /delta log .*expected it to reach back/,
  });
});

test('pending entries are in neither of the two states, and are reported', async (t) => {
  const { prefix, generation } = await fold();
  const { shardKeys, keys } = generation;
  await appendFlat(redis, { prefix }, generateEvents(10, { seed: 3 }));
  await redis.xreadgroup('GROUP', keys.group, 'dead', 'COUNT', 4, 'STREAMS', shardKeys.events, '>');
  const { equal, entries, pendingEntries } = await verifyShard(redis, generation, OPTIONS);
  t.deepEqual([equal, entries, pendingEntries], [true, 1_000, 4]);
});

test('entries no longer in the stream are reported, with their counts', async (t) => {
  const { generation } = await fold();
  await redis.xtrim(generation.shardKeys.events, 'MAXLEN', 900);
  const { equal, missingEntries, differences } = await verifyShard(redis, generation, OPTIONS);
  t.false(equal);
  t.is(missingEntries, 100);
  t.true(
    differences.some(({ what, live, folded }) => what === 'events folded' && Number(live) > Number(folded)),
  );
});

test('a snapshot that trims the log during verification causes no difference', async (t) => {
  const { prefix, generation } = await fold();
  const aggregator = await startAggregator({ redisUrl, prefix, batchEntries: 3 });
  t.teardown(aggregator.stop);
  let done = false;
  const snapshots = (async () => {
    let written = 0;
    const view = createShardView({
      redis,
      generation,
      listener: { changed: () => undefined, replaced: () => undefined },
      observe: () => written++,
      createId: () => `moving-${written}`,
      snapshotRecords: 2,
    });
    while (!done) {
      await view.refresh();
      await view.writeSnapshotWhenDue();
    }
    return written;
  })();
  for (let seed = 0; seed < 10; seed++) {
    await appendFlat(redis, { prefix }, generateEvents(100, { seed }));
    t.deepEqual((await verifyShard(redis, generation, OPTIONS)).differences, []);
  }
  done = true;
  t.true((await snapshots) > 3);
  await waitUntil(
    'the log to have been trimmed',
    async () => (await redis.xlen(generation.keys.deltas)) < 300,
  );
});
