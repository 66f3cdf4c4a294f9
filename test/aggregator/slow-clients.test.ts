import { test } from '../harness/ava.ts';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { startAggregator } from '../harness/start-aggregator.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';

const { url: redisUrl, stop } = await shareRedis();
test.after.always(stop);

async function open(url: string, bytes: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(bytes);
  return socket;
}

test('a client that does not end its request is disconnected, and other clients are served meanwhile', async (t) => {
  const aggregator = await startAggregator({ redisUrl, prefix: nextPrefix() });
  t.teardown(aggregator.stop);
  const slow = await open(aggregator.url, 'GET /livez HTTP/1.1\r\nHost: x\r\nX-Slow: ');
  const startedMs = performance.now();
  const ended = text(slow);
  t.is((await fetch(`${aggregator.url}/livez`)).status, 200);
  t.regex(await ended, /^HTTP\/1\.1 408 |^$/);
  t.true(performance.now() - startedMs < 20_000); // five seconds; half a minute if Node did not check
});

test('clients that keep their connections open, or never end their request, do not delay a stop', async (t) => {
  const aggregator = await startAggregator({ redisUrl, prefix: nextPrefix() });
  const clients = [
    await open(aggregator.url, 'GET /livez HTTP/1.1\r\nHost: x\r\n\r\n'),
    await open(aggregator.url, 'GET /livez HTTP/1.1\r\nHost: x\r\nX-Slow: '),
    await open(aggregator.url, ''),
  ];
  await t.notThrowsAsync(aggregator.stop());
  for (const client of clients) client.destroy();
});
