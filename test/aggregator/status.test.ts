import { test } from '../harness/ava.ts';
import { readStatus } from '@streamfold/aggregator';
import { appendFlat, appendTogether } from '../harness/append-events.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { waitForGeneration, waitUntilFolded } from '../harness/wait-until-folded.ts';

const { redis, url: redisUrl, stop } = await shareRedis();
test.after.always(stop);

const SIGNAL = { type: 'signal.sent', swarm_id: 's1', sender_id: 'a', receiver_id: 'b', signal_type: 'x' };

const life = (coordinator_id: string) => ({ swarm_id: 's1', coordinator_id });

test('before the first aggregator ran, the status shows the stream and no generation, and creates nothing', async (t) => {
  const prefix = nextPrefix();
  await appendFlat(redis, { prefix }, [SIGNAL, SIGNAL]);
  const status = await readStatus(redis, { prefix, shard: 0 });
  const stream = `${prefix}:{0}:events`;
  t.deepEqual(status, {
    shard: 0,
    stream,
    streamEntries: 2,
    deadLetters: 0,
    archived: undefined,
    archiveStop: undefined,
    stateLoss: undefined,
    generation: undefined,
  });
  t.deepEqual(await redis.keys(`${prefix}*`), [stream]);
});

test('the status shows the numbers of entries, events, dead letters, series, coordinators and waits', async (t) => {
  const prefix = nextPrefix();
  const aggregator = await startAggregator({ redisUrl, prefix });
  await appendFlat(redis, { prefix }, [
    { type: 'coordinator.started', ...life('active') },
    { type: 'wait.started', ...life('blocked'), wait_id: 'w1' },
    { type: 'wait.started', ...life('blocked'), wait_id: 'w2' },
    { type: 'heartbeat.stale', ...life('stale') },
    { type: 'coordinator.started', ...life('ended') },
    { type: 'coordinator.stopped', ...life('ended') },
    { type: 'no.such_type' },
  ]);
  await appendTogether(redis, { prefix }, [SIGNAL, SIGNAL, { ...SIGNAL, signal_type: 'y' }]);
  await waitUntilFolded(redis, { prefix });
  await aggregator.stop();

  const { generation, ...shard } = await readStatus(redis, { prefix, shard: 0 });
  t.deepEqual(shard, {
    shard: 0,
    stream: `${prefix}:{0}:events`,
    streamEntries: 8,
    deadLetters: 1,
    archived: undefined,
    archiveStop: undefined,
    stateLoss: undefined,
  });
  t.is(generation?.events, 9);
  t.is(generation?.lostEntries, 0);
  t.is(generation?.series, 3); // signals_sent_total twice, heartbeat_failures_total once
  t.deepEqual(generation?.coordinators, { active: 1, blocked: 1, stale: 1 });
  t.is(generation?.openWaits, 2);
  t.deepEqual(generation?.consumers, []);
  t.deepEqual(generation?.lag, {
    streamEntries: 8,
    lagEntries: 0,
    pendingEntries: 0,
    lagSeconds: 0,
    oldestUnfolded: undefined,
    consumers: 0,
    idsAheadSeconds: 0,
    deliveries: 0,
  });
});

test('the status shows the pending entries of each consumer, the undelivered entries, and the oldest entry not yet folded', async (t) => {
  const prefix = nextPrefix();
  const aggregator = await startAggregator({ redisUrl, prefix, role: 'serve' });
  t.teardown(aggregator.stop);
  const { shardKeys, keys } = await waitForGeneration(redis, prefix);
  const ids = await appendFlat(
    redis,
    { prefix },
    Array.from({ length: 10 }, () => SIGNAL),
  );
  await redis.xreadgroup('GROUP', keys.group, 'dead', 'COUNT', 3, 'STREAMS', shardKeys.events, '>');
  await redis.xack(shardKeys.events, keys.group, ids[0] ?? '');

  const { generation } = await readStatus(redis, { prefix, shard: 0 });
  t.is(generation?.id, keys.group.slice(prefix.length + 1));
  t.is(generation?.group, keys.group);
  t.is(generation?.lag.lagEntries, 9);
  t.is(generation?.lag.pendingEntries, 2);
  t.is(generation?.lag.oldestUnfolded, ids[1]);
  t.true((generation?.lag.lagSeconds ?? -1) >= 0);
  const [consumer, ...others] = generation?.consumers ?? [];
  t.deepEqual([consumer?.name, consumer?.pending, others.length], ['dead', 2, 0]);
});

test('the lag is right after entries were trimmed and deleted', async (t) => {
  const prefix = nextPrefix();
  const aggregator = await startAggregator({ redisUrl, prefix, role: 'serve' });
  t.teardown(aggregator.stop);
  const { shardKeys, keys } = await waitForGeneration(redis, prefix);
  const ids = await appendFlat(
    redis,
    { prefix },
    Array.from({ length: 20 }, () => SIGNAL),
  );
  const lagNow = async () => (await readStatus(redis, { prefix, shard: 0 })).generation?.lag.lagEntries;
  await redis.xtrim(shardKeys.events, 'MAXLEN', 15);
  t.is(await lagNow(), 15);
  await redis.xreadgroup('GROUP', keys.group, 'dead', 'COUNT', 5, 'STREAMS', shardKeys.events, '>');
  t.is(await lagNow(), 15);
  await redis.xdel(shardKeys.events, ids[15] ?? '');
  t.is(await lagNow(), 14);
  await redis.xtrim(shardKeys.events, 'MAXLEN', 7);
  await redis.xreadgroup('GROUP', keys.group, 'dead', 'STREAMS', shardKeys.events, '>');
  const pending = await redis.xpending(shardKeys.events, keys.group, '-', '+', 100);
  await redis.xack(shardKeys.events, keys.group, ...(pending as [string][]).map(([id]) => id));
  t.is(await lagNow(), 0);
});
