import { test } from '../harness/ava.ts';
import { createMonitor } from '@streamfold/aggregator/round-trips';
import type { ArchiveStore } from '@streamfold/archive';
import { askAll } from '@streamfold/redis';
import { appendTogether } from '../harness/append-events.ts';
import { openTestArchive } from '../harness/open-test-archive.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { startFaultProxy } from '../harness/fault-proxy.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { waitUntil } from '../harness/wait-until.ts';

const { redis, url: redisUrl, stop } = await shareRedis();
test.after.always(stop);

const SHARDS = 128;
/** One after the other, the shards would take more than six seconds for each round trip. */
const DELAY_MS = 50;

test('a scrape, the health and the upkeep of 128 shards on a Redis that is far away take few round trips', async (t) => {
  const proxy = await startFaultProxy(Number(new URL(redisUrl).port));
  t.teardown(proxy.stop);
  proxy.delay(DELAY_MS);
  const aggregator = await startAggregator({
    redisUrl: proxy.url,
    prefix: nextPrefix(),
    shards: SHARDS,
    role: 'serve',
  });
  t.teardown(aggregator.stop);
  await waitUntil('it is ready', async () => (await fetch(`${aggregator.url}/readyz`)).ok);
  for (const path of ['/prometheus/metrics', '/prometheus/health']) {
    await waitUntil(`${path} is answered within the time of one trip for each shard`, async () => {
      const startedMs = performance.now();
      const response = await fetch(aggregator.url + path);
      await response.text();
      return response.ok && performance.now() - startedMs < SHARDS * DELAY_MS;
    });
  }
  t.false(aggregator.facts.some((fact) => fact.type === 'failed' && fact.step === 'upkeep'));
});

test('a shard whose archive is slow does not keep the other shards waiting', async (t) => {
  const prefix = nextPrefix();
  const archive = await openTestArchive();
  t.teardown(() => archive.remove());
  let open = ignore;
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const store: ArchiveStore = {
    ...archive.store,
    async write(name, bytes) {
      if (name.startsWith('shard-0/')) await gate;
      await archive.store.write(name, bytes);
    },
  };
  const aggregator = await startAggregator({
    redisUrl,
    prefix,
    shards: 2,
    archiving: { archive: { ...archive, store }, everyMs: 100, settleMs: 0, retentionMs: undefined },
  });
  t.teardown(() => aggregator.stop());
  t.teardown(() => open()); // before it stops
  for (const shard of [0, 1]) await appendTogether(redis, { prefix, shard }, [{ type: 'unknown' }]);
  const isArchived = async (shard: number): Promise<boolean> =>
    (await redis.hget(`${prefix}:{${shard}}:archived`, 'last_id')) !== null;
  await waitUntil('the other shard is archived', () => isArchived(1));
  t.false(await isArchived(0));
  open();
  await waitUntil('the slow one, too', () => isArchived(0));
});

function ignore(): void {}

test('the monitor takes 16 steps at a time, on as many shards, so that Redis serves others between them', async (t) => {
  const own = redis.duplicate();
  t.teardown(() => own.disconnect());
  const monitor = createMonitor(own, {
    prefix: nextPrefix(),
    shards: 40,
    monitorGraceMs: 0,
    observe: ignore,
  });
  await monitor(); // from now on Redis has the functions
  let [steps, inFlight, most] = [0, 0, 0];
  const send = own.sendCommand.bind(own);
  own.sendCommand = async (command, stream) => {
    steps++;
    most = Math.max(most, ++inFlight);
    try {
      return await send(command, stream);
    } finally {
      inFlight--;
    }
  };
  await monitor();
  t.deepEqual({ steps, most }, { steps: 40, most: 16 });
});

test('all questions are asked before the first one is answered, and the answers are in the order of the questions', async (t) => {
  let asked = 0;
  const answers = await askAll([3, 1, 2], async (item) => {
    asked++;
    await new Promise(setImmediate);
    t.is(asked, 3);
    return item * 10;
  });
  t.deepEqual(answers, [30, 10, 20]);
});

test('the number of questions in flight is bounded', async (t) => {
  let inFlight = 0;
  let most = 0;
  await askAll(
    Array(100).keys(),
    async () => {
      most = Math.max(most, ++inFlight);
      await new Promise(setImmediate);
      inFlight--;
    },
    8,
  );
  t.is(most, 8);
});

test('one question that fails fails all, once none is in flight', async (t) => {
  let ended = 0;
  const error = await t.throwsAsync(
    askAll([1, 2, 3], async (item) => {
      if (item === 1) throw new Error('the first');
      await new Promise(setImmediate);
      ended++;
      if (item === 3) throw new Error('the third');
    }),
  );
  t.is(error.message, 'the first');
  t.is(ended, 2);
});
