import { joinSwarm, stepMonitor, type Coordinator, type MonitorStep } from '@streamfold/coordination';
import { test } from '../harness/ava.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { waitUntil } from '../harness/wait-until.ts';

const server = await shareRedis();
test.after.always(() => server.stop());

const STALE_AFTER_MS = 50;
const DEAD_AFTER_MS = 10_000;

interface Silent {
  readonly coordinator: Coordinator;
  readonly step: (outageMs: number) => Promise<MonitorStep>;
  readonly readDueMs: () => Promise<number>;
  readonly startedMs: number;
}

/** A coordinator that has not beaten for so long that it is overdue. */
async function fallSilent(): Promise<Silent> {
  const prefix = nextPrefix();
  const identity = { swarmId: 's', coordinatorId: 'ada' };
  const coordinator = await joinSwarm({
    url: server.url,
    prefix,
    ...identity,
    staleAfterMs: STALE_AFTER_MS,
    deadAfterMs: DEAD_AFTER_MS,
  });
  const startedMs = Number(await server.redis.hget(`${prefix}:{0}:coordinator:s|ada`, 'started_ms'));
  await waitUntil('it to be long overdue', async () => {
    const [seconds = 0, micros = 0] = await server.redis.time();
    return seconds * 1_000 + micros / 1_000 > startedMs + 3 * STALE_AFTER_MS;
  });
  return {
    coordinator,
    startedMs,
    step: (outageMs) => stepMonitor(server.redis, { prefix, shard: 0 }, { limit: 10, outageMs, graceMs: 0 }),
    readDueMs: async () => Number(await server.redis.zscore(`${prefix}:{0}:heartbeats`, 's|ada')),
  };
}

test('a late step does not postpone a death', async (t) => {
  const { coordinator, step, startedMs, readDueMs } = await fallSilent();
  t.is((await step(4_000)).stale, 1);
  t.is(await readDueMs(), startedMs + DEAD_AFTER_MS);
  coordinator.disconnect();
});

test('a coordinator that an outage delayed still has its full time between stale and dead', async (t) => {
  const { coordinator, step, startedMs, readDueMs } = await fallSilent();
  t.is((await step(STALE_AFTER_MS)).stale, 1);
  t.true((await readDueMs()) >= startedMs + 2 * STALE_AFTER_MS + DEAD_AFTER_MS);
  coordinator.disconnect();
});
