import { test } from '../harness/ava.ts';
import { findFreePort } from '@streamfold/private-servers';
import { ConnectionError, connectRedis, whenReady, type RedisConnection } from '@streamfold/redis';
import { startFaultProxy } from '../harness/fault-proxy.ts';
import { startRedis } from '../harness/start-redis.ts';
import { waitUntil } from '../harness/wait-until.ts';

const ROUNDS = 10;
const IN_FLIGHT = 20;

/** Sends many commands at once, each of which counts itself. */
async function countUp(connection: RedisConnection, round: number): Promise<PromiseSettledResult<number>[]> {
  return Promise.allSettled(
    Array.from({ length: IN_FLIGHT }, (_, at) => connection.incr(`count-${round}-${at}`)),
  );
}

async function waitUntilReady(connection: RedisConnection): Promise<void> {
  await waitUntil('the connection is ready', () =>
    whenReady(connection, 1_000).then(
      () => true,
      () => false,
    ),
  );
}

for (const scheme of ['redis', 'redis-cluster'] as const) {
  test(`${scheme}:// commands in flight when a connection is cut reach Redis once, never twice`, async (t) => {
    const cluster = scheme === 'redis-cluster';
    // prettier-ignore
    const extraArgs = cluster ? ['--cluster-enabled', 'yes', '--cluster-port', String(await findFreePort())] : [];
    const server = await startRedis({ extraArgs });
    t.teardown(() => server.stop());
    const proxy = await startFaultProxy(server.port);
    t.teardown(() => proxy.stop());
    if (cluster) {
      await server.redis.config('SET', 'cluster-announce-ip', '127.0.0.1');
      await server.redis.config('SET', 'cluster-announce-port', proxy.port);
      await server.redis.call('CLUSTER', 'ADDSLOTSRANGE', 0, 16_383);
      await waitUntil('the cluster is up', async () =>
        (await server.redis.cluster('INFO')).includes('cluster_state:ok'),
      );
    }
    const connection = connectRedis(`${scheme}://127.0.0.1:${proxy.port}`, {
      name: 'test',
      commandTimeoutMs: 10_000,
    });
    t.teardown(() => connection.disconnect());
    connection.connect().catch(() => undefined);
    for (let round = 0; round < ROUNDS; round++) {
      await waitUntilReady(connection);
      const cut = proxy.cutAfterReply(`count-${round}-`);
      const outcomes = await countUp(connection, round);
      await cut;
      for (const outcome of outcomes) {
        t.true(outcome.status === 'rejected' && outcome.reason instanceof ConnectionError);
        if (outcome.status === 'rejected') t.like(outcome.reason, { reason: 'lost' });
      }
    }
    await waitUntilReady(connection);
    t.is(await connection.incr('last'), 1);
    for (let round = 0; round < ROUNDS; round++) {
      const keys = Array.from({ length: IN_FLIGHT }, (_, at) => `count-${round}-${at}`);
      const values = await Promise.all(keys.map((key) => server.redis.get(key)));
      t.true(
        values.every((value) => value === null || value === '1'),
        `round ${round}: ${values.join(' ')}`,
      );
      t.is(values[0], '1', 'the command ran, but its reply was lost');
    }
  });
}
