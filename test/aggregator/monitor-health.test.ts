import { test, type ExecutionContext } from '../harness/ava.ts';
import type { AggregatorOptions } from '@streamfold/aggregator';
import { joinSwarm } from '@streamfold/coordination';
import { startAggregator, type TestAggregator } from '../harness/start-aggregator.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { waitUntil } from '../harness/wait-until.ts';

const server = await shareRedis();
test.after.always(() => server.stop());
const { redis } = server;

const MINUTE_MS = 60_000;

async function setUp(
  t: ExecutionContext,
  options: Partial<AggregatorOptions> = {},
  prefix = nextPrefix(),
): Promise<{ aggregator: TestAggregator; prefix: string; key: (name: string, shard?: number) => string }> {
  const aggregator = await startAggregator({ redisUrl: server.url, prefix, ...options });
  t.teardown(() => aggregator.stop());
  return { aggregator, prefix, key: (name, shard = 0) => `${prefix}:{${shard}}:${name}` };
}

interface HealthBody {
  readonly status: string;
  readonly reasons: readonly { readonly reason: string; readonly detail?: string; readonly shard?: number }[];
}

async function readHealth({ url }: TestAggregator): Promise<HealthBody> {
  return (await (await fetch(`${url}/prometheus/health`)).json()) as HealthBody;
}

async function readMetric({ url }: TestAggregator, series: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const line = text.split('\n').find((each) => each.startsWith(`${series} `));
  return Number(line?.split(' ')[1]);
}

const isStalled = async (aggregator: TestAggregator): Promise<boolean> =>
  (await readHealth(aggregator)).reasons.some(({ reason }) => reason === 'monitor_stalled');

test('if no monitor has looked for overdue coordinators for a minute, health reports the shard and the age until one does', async (t) => {
  const { aggregator, key } = await setUp(t);
  await waitUntil('a first step', async () => (await redis.exists(key('monitor'))) === 1);
  await waitUntil('it is well', async () => (await readHealth(aggregator)).reasons.length === 0);
  await redis.set(key('heartbeats'), 'text'); // from here on every step fails
  await waitUntil('the monitor fails', () =>
    Promise.resolve(aggregator.facts.some((fact) => fact.type === 'failed' && fact.step === 'monitor')),
  );
  const longAgo = Date.now() - 2 * MINUTE_MS;
  // Its own failures look like an outage to a monitor: it suspends itself, checks nothing, and fails again.
  await redis.hset(key('monitor'), {
    stepped_ms: longAgo,
    judged_ms: longAgo - 1,
    unjudged_since_ms: longAgo,
  });
  await waitUntil('it is seen', () => isStalled(aggregator));
  const { status, reasons } = await readHealth(aggregator);
  t.is(status, 'degraded');
  const stalled = reasons.find(({ reason }) => reason === 'monitor_stalled');
  t.is(stalled?.shard, 0);
  t.regex(stalled?.detail ?? '', /^no monitor has judged what is overdue for 1\d\d s$/);
  t.true((await readMetric(aggregator, 'streamfold_monitor_age_seconds{shard="0"}')) >= 120);
  await redis.del(key('heartbeats'));
  await waitUntil('a step judges again', async () => !(await isStalled(aggregator)));
});

test('a shard whose monitor fails does not stop the monitors of the others', async (t) => {
  const prefix = nextPrefix();
  await redis.set(`${prefix}:{0}:heartbeats`, 'text');
  const { key } = await setUp(t, { shards: 2, monitorGraceMs: 0 }, prefix);
  await waitUntil('the other shard is watched', async () => (await redis.exists(key('monitor', 1))) === 1);
  t.is(await redis.exists(key('monitor', 0)), 0);
});

test('records set aside are counted, and health names them until their notes are removed', async (t) => {
  const { aggregator, key } = await setUp(t, { monitorGraceMs: 0 });
  t.is(await readMetric(aggregator, 'streamfold_monitor_records_set_aside_total'), 0);
  await waitUntil('it is well', async () => (await readHealth(aggregator)).reasons.length === 0);
  await redis.zadd(key('deadlines'), 1, 'no-name', 1, 'another');
  await waitUntil('they are set aside', async () => (await redis.hlen(key('set-aside'))) === 2);
  await waitUntil('it is seen', async () => (await readHealth(aggregator)).reasons.length > 0);
  const { status, reasons } = await readHealth(aggregator);
  t.is(status, 'healthy');
  t.deepEqual(reasons, [{ reason: 'records_set_aside', detail: '2', shard: 0 }]);
  await waitUntil(
    'they are counted',
    async () => (await readMetric(aggregator, 'streamfold_monitor_records_set_aside_total')) === 2,
  );
  t.is(await readMetric(aggregator, 'streamfold_monitor_records_set_aside{shard="0"}'), 2);
  await redis.del(key('set-aside'));
  await waitUntil('it is well again', async () => (await readHealth(aggregator)).reasons.length === 0);
});

test("a step back of Redis's clock is reported: a fact, a counter, and a health reason during the grace period", async (t) => {
  const { aggregator, key } = await setUp(t, { monitorGraceMs: 3_000 });
  const has = (type: string): Promise<boolean> =>
    Promise.resolve(
      aggregator.facts.some(
        (fact) => fact.type === type && (!('reason' in fact) || fact.reason === 'redis_clock_stepped_back'),
      ),
    );
  t.is(await readMetric(aggregator, 'streamfold_redis_clock_steps_back_total'), 0);
  await waitUntil('a first step', async () => (await redis.exists(key('monitor'))) === 1);
  await redis.hset(key('monitor'), 'stepped_ms', Date.now() + 60 * MINUTE_MS);
  await waitUntil('it is noticed', () => has('clock_stepped_back'));
  t.is(await readMetric(aggregator, 'streamfold_redis_clock_steps_back_total'), 1);
  await waitUntil('it is raised', () => has('condition_raised'));
  await waitUntil('the grace period is over', () => has('condition_cleared'));
  await waitUntil('it is well', async () => (await readHealth(aggregator)).reasons.length === 0);
});

test('aggregators remove the keys of coordinators that ended long ago, and keep and count work that nobody took over', async (t) => {
  const prefix = nextPrefix();
  const ids = Array.from({ length: 130 }, (_, at) => `c${at}`);
  for (const coordinatorId of ids) {
    const coordinator = await joinSwarm({ url: server.url, prefix, swarmId: 's', coordinatorId });
    if (coordinatorId === 'c7') await coordinator.openWork('report');
    await coordinator.leave();
  }
  const { aggregator, key } = await setUp(t, { endedForMs: 0 }, prefix);
  await waitUntil('they are removed', async () => (await redis.zcard(key('ended'))) === 1);
  t.deepEqual(await redis.keys(`${prefix}:{0}:coordinator:*`), [key('coordinator:s|c7')]);
  await waitUntil(
    'they are counted',
    async () => (await readMetric(aggregator, 'streamfold_ended_coordinators_removed_total')) === 129,
  );
  t.is(await readMetric(aggregator, 'streamfold_ended_coordinators_kept{shard="0"}'), 1);
});
