import { test } from '../harness/ava.ts';
import { randomBytes } from 'node:crypto';
import { shardKeys } from '@streamfold/redis';
import { startFaultProxy } from '../harness/fault-proxy.ts';
import { startServe } from '../harness/run-streamfold.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { nextPrefix, shareRedis, startRedis } from '../harness/start-redis.ts';
import { waitUntilFolded } from '../harness/wait-until-folded.ts';

const server = await shareRedis();
test.after.always(() => server.stop());
const { redis } = server;

const MIB = 1024 * 1024;
const SIGNAL = { type: 'signal.sent', swarm_id: 's1', sender_id: 'a', signal_type: 'x' };

/** An entry of 1,000 events, almost 1 MiB. */
function fullBatch(n: number): string {
  const filling = 'x'.repeat(900);
  return JSON.stringify(
    Array.from({ length: 1_000 }, (_, at) => ({ ...SIGNAL, receiver_id: `r${n}-${at}`, filling })),
  );
}

test('full batches on a slow connection are folded, and not delivered again and again', async (t) => {
  const prefix = nextPrefix();
  const { events } = shardKeys({ prefix, shard: 0 });
  for (let n = 0; n < 6; n++) await redis.xadd(events, '*', 'events', fullBatch(n));
  const proxy = await startFaultProxy(server.port);
  t.teardown(() => proxy.stop());
  // All of them together take longer than a read may take.
  proxy.throttle(0.45 * MIB);
  const aggregator = await startAggregator({ redisUrl: proxy.url, prefix, role: 'fold' });
  t.teardown(aggregator.stop);
  await waitUntilFolded(redis, { prefix });
  const failed = aggregator.facts.filter((fact) => fact.type === 'failed' && fact.step === 'fold');
  t.deepEqual(failed, []);
});

test('60 values of 1 to 4 MB become dead letters in little memory, even if Redis accepts no large arguments', async (t) => {
  const small = await startRedis();
  t.teardown(() => small.stop());
  const { events, dead } = shardKeys({ prefix: 'streamfold', shard: 0 });
  for (let n = 0; n < 60; n++)
    await small.redis.xadd(events, '*', 'events', randomBytes((1 + (n % 4)) * 500_000).toString('hex'));
  await small.redis.xadd(events, '*', ...Object.entries({ ...SIGNAL, receiver_id: 'b' }).flat());
  await small.redis.config('SET', 'proto-max-bulk-len', '1048576');
  const aggregator = await startServe(small.url, { NODE_OPTIONS: '--max-old-space-size=128' });
  t.teardown(() => aggregator.kill('SIGKILL'));
  await waitUntilFolded(small.redis, { prefix: 'streamfold' });
  t.is(await small.redis.xlen(dead), 60);
  t.is(await aggregator.kill('SIGTERM'), 0);
});

test('a commit too large for Redis is split into smaller ones', async (t) => {
  const small = await startRedis();
  t.teardown(() => small.stop());
  const { events } = shardKeys({ prefix: 'streamfold', shard: 0 });
  const long = 'c'.repeat(110);
  for (let n = 0; n < 20; n++) {
    const batch = Array.from({ length: 400 }, (_, at) => ({
      type: 'heartbeat.stale',
      swarm_id: 's1',
      coordinator_id: `${long}-${n}-${at}`,
    }));
    await small.redis.xadd(events, '*', 'events', JSON.stringify(batch));
  }
  await small.redis.config('SET', 'proto-max-bulk-len', '1048576');
  const aggregator = await startAggregator({ redisUrl: small.url });
  t.teardown(aggregator.stop);
  await waitUntilFolded(small.redis, { prefix: 'streamfold' });
  t.true(aggregator.facts.some(({ type }) => type === 'commit_failed'));
});
