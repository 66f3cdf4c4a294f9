import { test } from '../harness/ava.ts';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { appendTogether, inPieces } from '../harness/append-events.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { startStreamfold } from '../harness/start-streamfold.ts';
import { waitUntilFolded } from '../harness/wait-until-folded.ts';
import { waitUntil } from '../harness/wait-until.ts';

const { redis, url: redisUrl, stop } = await shareRedis();
test.after.always(stop);

const MIB = 1024 * 1024;

/** A client that sends a request and does not read the answer. */
async function ask(url: string, path: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.on('error', () => undefined);
  socket.pause();
  await once(socket, 'connect');
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
  return socket;
}

async function readResidentBytes(url: string): Promise<number> {
  const own = await (await fetch(`${url}/metrics`)).text();
  return Number(/^process_resident_memory_bytes (\S+)$/m.exec(own)?.[1]);
}

function* acksOf(coordinators: number): Generator<Record<string, string>> {
  for (let from = 0; from < coordinators; from++) {
    yield {
      type: 'signal.acked',
      swarm_id: 's1',
      sender_id: `sender-${from}`,
      receiver_id: `receiver-${from}`,
      signal_type: 'completion',
      latency_ms: '12.5',
    };
  }
}

test.serial(
  '60 clients that do not read their 20,000 series share a few buffers, and are disconnected',
  async (t) => {
    const prefix = nextPrefix();
    const program = startStreamfold(
      ['serve', '--redis', redisUrl, '--prefix', prefix, '--port', '0', '--log-level', 'info'],
      {},
    );
    t.teardown(async () => {
      program.kill('SIGTERM');
      await program.ended;
    });
    const url = await program.waitFor(/(http:\/\/127\.0\.0\.1:\d+)/);
    for (const piece of inPieces(acksOf(20_000), 1_000)) await appendTogether(redis, { prefix }, piece);
    await waitUntilFolded(redis, { prefix });
    await waitUntil('it is ready', async () => (await fetch(`${url}/readyz`)).ok);
    let textBytes = 0;
    await waitUntil('the series are served', async () => {
      const response = await fetch(`${url}/prometheus/metrics`);
      textBytes = (await response.arrayBuffer()).byteLength;
      return response.ok && textBytes > 10 * MIB;
    });
    const beforeBytes = await readResidentBytes(url);

    const clients = await Promise.all(Array.from({ length: 60 }, () => ask(url, '/prometheus/metrics')));
    t.teardown(() => clients.forEach((client) => client.destroy()));
    let refused: Response | undefined;
    await waitUntil('there is no place left', async () => {
      const response = await fetch(`${url}/prometheus/metrics`);
      await response.arrayBuffer();
      if (response.headers.has('retry-after')) refused = response;
      return refused !== undefined;
    });
    t.is(refused?.status, 503);
    t.regex(refused?.headers.get('retry-after') ?? '', /^\d+$/);
    t.is((await fetch(`${url}/livez`)).status, 200);
    const grownBytes = (await readResidentBytes(url)) - beforeBytes;
    t.true(grownBytes < 8 * textBytes, `${Math.round(grownBytes / MIB)} MiB for ${textBytes / MIB} MiB`);
    t.regex(await (await fetch(`${url}/metrics`)).text(), /^streamfold_scrapes_refused_total [1-9]/m);

    await waitUntil('clients that read nothing are disconnected', async () => {
      const response = await fetch(`${url}/prometheus/metrics`);
      await response.arrayBuffer();
      return response.ok;
    });
  },
);

test('600 idle connections do not lock out other clients', async (t) => {
  const { url, stop: stopIt } = await startAggregator({ redisUrl, prefix: nextPrefix() });
  t.teardown(stopIt);
  await waitUntil('it is ready', async () => (await fetch(`${url}/readyz`)).ok);
  const idle: Socket[] = [];
  t.teardown(() => idle.forEach((socket) => socket.destroy()));
  for (let count = 0; count < 600; count++) {
    const socket = await ask(url, '/livez');
    socket.resume();
    idle.push(socket);
    await Promise.race([once(socket, 'data'), once(socket, 'close')]);
  }
  for (const path of ['/livez', '/readyz', '/prometheus/metrics', '/metrics']) {
    const socket = await ask(url, path);
    idle.push(socket);
    const [answer] = (await Promise.race([
      once(socket.resume(), 'data'),
      once(socket, 'close'),
    ])) as unknown[];
    t.regex(String(answer), /^HTTP\/1\.1 200 /, path);
  }
});

test('connections that never send a request do not lock out other clients', async (t) => {
  const { url, stop: stopIt } = await startAggregator({ redisUrl, prefix: nextPrefix() });
  t.teardown(stopIt);
  const silent = Array.from({ length: 600 }, () => connect(Number(new URL(url).port), '127.0.0.1'));
  t.teardown(() => silent.forEach((socket) => socket.destroy()));
  await Promise.all(
    silent.map(async (socket) => {
      socket.on('error', () => undefined);
      await Promise.race([once(socket, 'connect'), once(socket, 'close')]);
    }),
  );
  t.is((await fetch(`${url}/livez`)).status, 200);
});
