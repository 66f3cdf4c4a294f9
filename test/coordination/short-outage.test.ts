import { joinSwarm, stepMonitor } from '@streamfold/coordination';
import { test } from '../harness/ava.ts';
import { startRedis } from '../harness/start-redis.ts';
import { waitUntil } from '../harness/wait-until.ts';

const GRACE_MS = 5_000;
/** No pause between steps counts as an outage here: the restart itself must. */
const OUTAGE_MS = 3_600_000;

test('a restart of Redis suspends deadlines, however short it was', async (t) => {
  const server = await startRedis({ appendonly: true, appendfsync: 'always' });
  t.teardown(() => server.stop());
  const step = (graceMs: number) =>
    stepMonitor(
      server.redis,
      { prefix: 'streamfold', shard: 0 },
      { limit: 10, outageMs: OUTAGE_MS, graceMs },
    );
  t.is((await step(0)).graceLeftMs, 0);
  const coordinator = await joinSwarm({
    url: server.url,
    swarmId: 's',
    coordinatorId: 'ada',
    staleAfterMs: 20,
    deadAfterMs: 3_600_000,
  });
  await server.kill('SIGKILL');
  await server.restart();
  await waitUntil('it to be overdue', async () => {
    const [seconds = 0, micros = 0] = await server.redis.time();
    return (
      Number(await server.redis.zscore('streamfold:{0}:heartbeats', 's|ada')) <
      seconds * 1_000 + micros / 1_000
    );
  });
  const { graceLeftMs, stale } = await step(GRACE_MS);
  t.deepEqual({ graceLeftMs, stale }, { graceLeftMs: GRACE_MS, stale: 0 });
  t.true((await step(GRACE_MS)).graceLeftMs <= GRACE_MS);
  coordinator.disconnect();
});
