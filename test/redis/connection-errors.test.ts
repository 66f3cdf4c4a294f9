import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { inspect } from 'node:util';
import { test } from '../harness/ava.ts';
import { ConnectionError, connectRedis, isReady, whenReady, type RedisConnection } from '@streamfold/redis';
import { startFaultProxy } from '../harness/fault-proxy.ts';
import { shareRedis, startRedis } from '../harness/start-redis.ts';
import { waitUntil } from '../harness/wait-until.ts';

const server = await shareRedis();
test.after.always(() => server.stop());

function open(url: string, commandTimeoutMs = 10_000): RedisConnection {
  const connection = connectRedis(url, { name: 'test', commandTimeoutMs });
  connection.connect().catch(() => undefined);
  return connection;
}

test('an address on which nothing listens is named, with the cause and what to do', async (t) => {
  const connection = open('redis://127.0.0.1:1');
  t.teardown(() => connection.disconnect());
  const expected = {
    instanceOf: ConnectionError,
    message:
      'Redis: expected an answer at redis://127.0.0.1:1; got ECONNREFUSED: start Redis there, or correct the address',
  };
  await t.throwsAsync(whenReady(connection, 10_000), expected);
  const error = await t.throwsAsync<ConnectionError>(connection.ping(), { instanceOf: ConnectionError });
  t.is(error?.reason, 'not_connected');
  t.regex(
    error?.message ?? '',
    /^Redis: PING was not sent, because there is no connection: expected an answer at redis:\/\/127\.0\.0\.1:1; got ECONNREFUSED: /,
  );
});

test('a host name with several unreachable addresses does not give an empty error', async (t) => {
  const connection = open('redis://localhost:1');
  t.teardown(() => connection.disconnect());
  await t.throwsAsync(whenReady(connection, 10_000), {
    message: /got connect ECONNREFUSED .*:1.*: start Redis there/,
  });
});

test('a server that does not speak TLS, or speaks only TLS, is recognised', async (t) => {
  const tls = open(server.url.replace('redis://', 'rediss://'));
  t.teardown(() => tls.disconnect());
  await t.throwsAsync(whenReady(tls, 10_000), {
    message: /use redis:\/\/ for it$/,
  });
  // It hangs up if the first bytes are not a handshake.
  const strict = createServer((socket) => socket.once('data', () => socket.end()));
  strict.listen(0, '127.0.0.1');
  await once(strict, 'listening');
  t.teardown(() => strict.close());
  const plain = open(`redis://127.0.0.1:${(strict.address() as AddressInfo).port}`);
  t.teardown(() => plain.disconnect());
  await t.throwsAsync(whenReady(plain, 10_000), {
    message: /: if it speaks TLS, use rediss:\/\/ for it; if not, check the network$/,
  });
});

test('a wrong password is refused in one line that does not show it, nor does any part of the error', async (t) => {
  await server.redis.call('ACL', 'SETUSER', 'eve', 'on', '>right', '~*', '+@all');
  const connection = open(server.url.replace('//', '//eve:wrong-hush@'));
  t.teardown(() => connection.disconnect());
  const error = await t.throwsAsync(whenReady(connection, 10_000), {
    message: /got WRONGPASS .*: correct the user or the password in the URL, or in the files that it names$/,
  });
  t.false(inspect(error, { depth: 10 }).includes('hush'));
});

test('an error reply of Redis keeps its words, and does not contain the command that was sent', async (t) => {
  const connection = open(server.url);
  t.teardown(() => connection.disconnect());
  await whenReady(connection, 10_000);
  await connection.set('text', 'x');
  const error = await t.throwsAsync(connection.xadd('text', '*', 'field', 'hush'), { message: /^WRONGTYPE/ });
  t.false(inspect(error, { depth: 10 }).includes('hush'));
});

test('a reply that does not arrive in time is reported with the command and the address; the next command works', async (t) => {
  const proxy = await startFaultProxy(server.port);
  t.teardown(() => proxy.stop());
  const connection = open(proxy.url, 200);
  t.teardown(() => connection.disconnect());
  await whenReady(connection, 10_000);
  proxy.silence();
  const late = connection.get('text');
  const error = await t.throwsAsync<ConnectionError>(late, {
    message: `Redis: expected a reply to GET from ${proxy.url} within 200 ms; none came. It may have been done. A new connection is opened`,
  });
  t.is(error?.reason, 'no_reply');
  await whenReady(connection, 10_000);
  t.is(await connection.echo('here'), 'here');
});

test('a blocking read may take its block time, and not much longer', async (t) => {
  const proxy = await startFaultProxy(server.port);
  t.teardown(() => proxy.stop());
  const connection = open(proxy.url, 300);
  t.teardown(() => connection.disconnect());
  await whenReady(connection, 10_000);
  t.is(await connection.xread('BLOCK', 900, 'STREAMS', 'nothing', '$'), null);
  const blocked = connection.xread('BLOCK', 100, 'STREAMS', 'nothing', '$');
  proxy.silence();
  await t.throwsAsync(blocked, { message: /expected a reply to XREAD from .* within 400 ms/ });
});

test('a late reply is never taken for the reply to another command', async (t) => {
  const proxy = await startFaultProxy(server.port);
  t.teardown(() => proxy.stop());
  const connection = open(proxy.url, 200);
  t.teardown(() => connection.disconnect());
  for (let round = 0; round < 5; round++) {
    await whenReady(connection, 10_000);
    const held = proxy.holdBack(`late-${round}`);
    await t.throwsAsync(connection.echo(`late-${round}`), { instanceOf: ConnectionError });
    (await held)();
    await whenReady(connection, 10_000);
    t.is(await connection.echo(`next-${round}`), `next-${round}`);
  }
});

test('a connection is used soon after Redis has loaded its data, whatever time Redis foretold', async (t) => {
  // The first database loads slowly, key by key; the second is large and loads at once.
  const slowly = ['--key-load-delay', '10000', '--loading-process-events-interval-bytes', '1024'];
  const loading = await startRedis({ extraArgs: slowly });
  t.teardown(loading.stop);
  await loading.redis.mset(Object.fromEntries(Array.from({ length: 300 }, (_, key) => [`key-${key}`, 'x'])));
  await loading.redis.select(1);
  await loading.redis.set('large', 'x'.repeat(20_000_000));
  await loading.redis.save();
  const connection = open(loading.url);
  t.teardown(() => connection.disconnect());
  await whenReady(connection, 10_000);
  await loading.kill('SIGKILL');
  await loading.restart();
  const loadedMs = performance.now();
  await waitUntil('the connection to be used again', () => isReady(connection));
  t.true(
    performance.now() - loadedMs < 5_000,
    'the client asks every 500 ms; left to the estimate it waits 10 s',
  );
  t.is(await connection.get('key-0'), 'x');
});
