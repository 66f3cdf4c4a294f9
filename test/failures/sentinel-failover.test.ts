import { test } from '../harness/ava.ts';
import { Redis } from 'ioredis';
import { findFreePort, startPrivateSentinel } from '@streamfold/private-servers';
import { createPublisher } from '@streamfold/publisher';
import { startRedis } from '../harness/start-redis.ts';
import { waitUntil } from '../harness/wait-until.ts';
import { signalSent } from '../publisher/signal-sent.ts';

test('a failover is followed as soon as a Sentinel reports it, even if the old primary is still up', async (t) => {
  // No Sentinel can turn this one into a replica: it would accept writes forever.
  const stubborn = ['--rename-command', 'REPLICAOF', '', '--rename-command', 'SLAVEOF', ''];
  const old = await startRedis({ extraArgs: stubborn });
  t.teardown(() => old.stop());
  const next = await startRedis();
  t.teardown(() => next.stop());
  await next.redis.replicaof('127.0.0.1', old.port);
  const sentinel = await startPrivateSentinel('main', old.port);
  t.teardown(() => sentinel.stop());
  const control = new Redis({ port: sentinel.port, host: '127.0.0.1', retryStrategy: () => 50 });
  control.on('error', () => undefined);
  t.teardown(() => control.disconnect());
  await waitUntil('the Sentinel knows the replica', async () => {
    const replicas = (await control.call('SENTINEL', 'REPLICAS', 'main')) as string[][];
    return replicas.some((each) => each.includes(String(next.port)) && each.includes('slave'));
  });

  const nowhere = await findFreePort(); // a Sentinel that is down is not an error
  const publisher = createPublisher({
    url: `redis-sentinel://127.0.0.1:${nowhere},127.0.0.1:${sentinel.port}/main`,
    prefix: 'p',
    observer: {},
  });
  t.teardown(() => publisher.close({ deadlineMs: 0 }));
  await publisher.append(signalSent(0));
  t.is(await old.redis.xlen('p:{0}:events'), 1);
  await waitUntil('it listens to the Sentinel', async () =>
    String(await control.client('LIST')).includes('cmd=subscribe'),
  );
  await waitUntil('the replica has it', async () => (await next.redis.xlen('p:{0}:events')) === 1);
  await waitUntil('the failover begins', () =>
    control.call('SENTINEL', 'FAILOVER', 'main').then(
      () => true,
      () => false,
    ),
  );

  const readOldClients = async (): Promise<boolean> =>
    String(await old.redis.client('LIST')).includes('streamfold-publisher');
  await waitUntil('the publisher has left the old primary', async () => !(await readOldClients()), 60_000);
  await publisher.append(signalSent(1));
  t.is(await next.redis.xlen('p:{0}:events'), 2, 'the new primary has both');
  t.is(await old.redis.xlen('p:{0}:events'), 1);
  t.regex(await old.redis.info('replication'), /role:master/);
});
