import { test } from '../harness/ava.ts';
import type { Redis } from 'ioredis';
import { readConsumers } from '../harness/read-consumers.ts';
import { PROGRAM, runStreamfold } from '../harness/run-streamfold.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { startRedis } from '../harness/start-redis.ts';
import { startStreamfold } from '../harness/start-streamfold.ts';
import { waitUntil } from '../harness/wait-until.ts';

/** Connections of the demo's coordinators, by their names. */
const COORDINATOR = /^streamfold-.+-(?:build|review|release)-\d$/;

async function listConnections(redis: Redis): Promise<string[]> {
  return [...String(await redis.client('LIST')).matchAll(/ name=(\S+)/g)].map(([, name = '']) => name);
}

test('demo --coordinators-only runs the swarm for aggregators that run elsewhere, and SIGTERM ends all its processes', async (t) => {
  const server = await startRedis();
  t.teardown(() => server.stop());
  const aggregator = await startAggregator({ redisUrl: server.url });
  t.teardown(() => aggregator.stop());
  const coordinators = startStreamfold(['demo', '--coordinators-only', '--redis', server.url]);
  t.teardown(() => coordinators.kill('SIGKILL'));
  await waitUntil('coordinators to be alive and signals to be sent', async () => {
    const text = await (await fetch(`${aggregator.url}/prometheus/metrics`)).text();
    return (
      /^blocking_coordinators_total\{swarm_id="swarm-/m.test(text) && /^signals_sent_total\{/m.test(text)
    );
  });
  t.true((await listConnections(server.redis)).some((name) => COORDINATOR.test(name)));
  t.is(
    (await readConsumers({ redis: server.redis, prefix: 'streamfold' })).length,
    2,
    'ours, no other aggregator',
  );

  coordinators.kill('SIGTERM');
  const { code, stdout, stderr } = await coordinators.ended;
  t.deepEqual([code, stderr], [0, '']);
  t.regex(stdout, /^10 coordinators, a process each, in redis:\S+, keys streamfold:\*\nstopped\n$/);
  const names = await listConnections(server.redis);
  t.deepEqual(
    names.filter((name) => COORDINATOR.test(name)),
    [],
  );
});

test('demo --coordinators-only exits when its time is over', async (t) => {
  const server = await startRedis();
  t.teardown(() => server.stop());
  const args = ['demo', '--coordinators-only', '--seconds', '1', '--redis', server.url];
  // A timer that only a collectable object refers to is lost with the first garbage collection.
  const collect = 'data:text/javascript,setInterval(gc, 50).unref()';
  const command = [process.execPath, '--expose-gc', '--import', collect, PROGRAM];
  const coordinators = startStreamfold(args, { command });
  t.teardown(() => coordinators.kill('SIGKILL'));
  t.like(await coordinators.ended, { code: 0, stderr: '' });
});

test('demo --coordinators-only without a reachable Redis ends with one line that names its address', async (t) => {
  const url = 'redis://127.0.0.1:1';
  const { code, stderr } = await runStreamfold(['demo', '--coordinators-only', '--redis', url]);
  t.is(code, 1);
  t.regex(
    stderr,
    /^streamfold: Redis: expected an answer at redis:\/\/127\.0\.0\.1:1; got .*ECONNREFUSED.*\n$/,
  );
});
