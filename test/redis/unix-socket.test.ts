import { join } from 'node:path';
import { test } from '../harness/ava.ts';
import { assertCounted } from '../harness/assert-counted.ts';
import { assertReachable, failToConnect, openConnection } from '../harness/open-connection.ts';
import { startRedis } from '../harness/start-redis.ts';
import { whenReady } from '@streamfold/redis';

const server = await startRedis({ extraArgs: ['--unixsocket', 'redis.sock'] });
const path = join(server.directory, 'redis.sock');
test.after.always(() => server.stop());

test('a Redis is reached by its Unix socket, with a database, a user and a password', async (t) => {
  await server.redis.call('ACL', 'SETUSER', 'ada', 'on', '>p@ss/word', '~*', '+@all');
  await assertReachable(t, `unix://${path}`);
  const connection = openConnection(t, `unix://ada:p%40ss%2Fword@${path}?db=3`);
  await whenReady(connection, 20_000);
  t.regex(await connection.client('INFO'), / db=3 .* user=ada /);
});

test('a publisher and an aggregator work by a Unix socket', async (t) => {
  await assertCounted(t, { redisUrl: `unix://${path}` });
});

test('a socket on which nothing listens is named, with what to do', async (t) => {
  t.is(
    await failToConnect(t, `unix://${server.directory}/other.sock`),
    `Redis: expected an answer at unix://${server.directory}/other.sock; got ENOENT: start Redis with this unixsocket, or correct the path`,
  );
});
