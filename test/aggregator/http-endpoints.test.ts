import { test } from '../harness/ava.ts';
import { ConfigurationError } from '@streamfold/redis';
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { appendFlat } from '../harness/append-events.ts';
import { scrape } from '../harness/scrape.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { waitForGeneration, waitUntilFolded } from '../harness/wait-until-folded.ts';
import { waitUntil } from '../harness/wait-until.ts';

const { redis, url: redisUrl, stop } = await shareRedis();
const prefix = nextPrefix();
const aggregator = await startAggregator({ redisUrl, prefix });
const { url } = aggregator;
test.before(async () => {
  await waitUntil('it to be ready', async () => (await fetch(`${url}/readyz`)).ok);
});
test.after.always(async () => {
  await aggregator.stop();
  await stop();
});

const PATHS = ['/', '/prometheus/metrics', '/prometheus/health', '/metrics', '/livez', '/readyz'];

/** Sends raw bytes, and returns everything that arrives until the connection is closed. */
async function sendRaw(bytes: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  await once(socket, 'connect');
  socket.write(bytes);
  socket.on('error', () => undefined);
  return text(socket);
}

test('GET and HEAD of every endpoint are answered 200, HEAD without a body', async (t) => {
  for (const path of PATHS) {
    const got = await fetch(url + path);
    t.is(got.status, 200, path);
    t.not(await got.text(), '', path);
    const head = await fetch(url + path, { method: 'HEAD' });
    t.is(head.status, 200, path);
    t.is(await head.text(), '', path);
    t.is(head.headers.get('content-type'), got.headers.get('content-type'), path);
  }
});

test('GET / lists every endpoint on a line of its own, as text, and as HTML for a browser', async (t) => {
  const list = await fetch(url);
  t.regex(list.headers.get('content-type') ?? '', /^text\/plain/);
  const lines = (await list.text()).split('\n');
  for (const path of PATHS.slice(1))
    t.true(
      lines.some((line) => line.startsWith(`${path} `)),
      path,
    );

  const page = await fetch(url, { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } });
  t.is(page.status, 200);
  t.regex(page.headers.get('content-type') ?? '', /^text\/html/);
  const html = await page.text();
  for (const path of PATHS.slice(1)) t.true(html.includes(`<a href="${path}">`), path);
});

test('other methods are answered 405 with Allow', async (t) => {
  for (const path of PATHS) {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      const response = await fetch(url + path, { method });
      t.is(response.status, 405, `${method} ${path}`);
      t.is(response.headers.get('allow'), 'GET, HEAD');
    }
  }
});

test('any other path is 404, and no request makes a stack trace appear in an answer', async (t) => {
  for (const path of [
    '/prometheus',
    '/metrics/x',
    '/..%2f..%2fetc/passwd',
    '/%E0%A4%A',
    '/%00',
    '/metrics%',
  ]) {
    const response = await fetch(url + path);
    t.is(response.status, 404, path);
    t.is(await response.text(), 'not found\n', path);
    t.is((await fetch(url + path, { method: 'POST' })).status, 404, path);
  }
  for (const request of [
    'nonsense\r\n\r\n',
    'GET / HTTP/9.9\r\n\r\n',
    'GET //// HTTP/1.1\r\nHost: \u0001\r\n\r\n',
  ]) {
    const reply = await sendRaw(request);
    t.regex(reply, /^HTTP\/1\.1 [45]\d\d /);
    t.notRegex(reply, /\bat .*:\d+:\d+|node:/);
  }
});

test('headers and addresses that are too long are refused', async (t) => {
  const long = 'x'.repeat(20_000);
  t.regex(await sendRaw(`GET /livez HTTP/1.1\r\nHost: x\r\nX-Long: ${long}\r\n\r\n`), /^HTTP\/1\.1 431 /);
  t.regex(await sendRaw(`GET /${long} HTTP/1.1\r\nHost: x\r\n\r\n`), /^HTTP\/1\.1 431 /);
});

test('the health answer has the documented fields and no others', async (t) => {
  const response = await fetch(`${url}/prometheus/health`);
  const { uptime_seconds, generation, ...health } = (await response.json()) as Record<string, unknown>;
  t.deepEqual(health, {
    status: 'healthy',
    redis: 'connected',
    lag_entries: 0,
    lag_seconds: 0,
    pending: 0,
    rebuild_needed: false,
    reasons: [],
    version: 'test',
  });
  t.is(generation, (await waitForGeneration(redis, prefix)).id);
  t.true(typeof uptime_seconds === 'number' && uptime_seconds > 0);
});

test('every text and JSON answer ends with the end of a line', async (t) => {
  for (const path of [...PATHS, '/nowhere', '/prometheus/metrics?zero_first_seconds=x']) {
    t.regex(await (await fetch(url + path)).text(), /[^\n]\n$/, path);
  }
  t.regex(await (await fetch(url, { method: 'POST' })).text(), /[^\n]\n$/);
});

test('an aggregator that only folds lists the endpoints that it serves, and says where the others are', async (t) => {
  const folds = await startAggregator({ redisUrl, prefix, role: 'fold' });
  t.teardown(folds.stop);
  for (const accept of ['text/plain', 'text/html']) {
    const listed = await (await fetch(folds.url, { headers: { accept } })).text();
    t.notRegex(listed, /\/prometheus\/metrics/);
    t.regex(listed, /This aggregator only folds/);
    t.regex(listed, /\/prometheus\/health/);
  }
});

test('a scrape without a connection to Redis says why, once, and what to do', async (t) => {
  const nowhere = 'redis://127.0.0.1:1';
  const lonely = await startAggregator({ redisUrl: nowhere });
  t.teardown(lonely.stop);
  const body = `# Redis is not reached: expected an answer at ${nowhere}; got ECONNREFUSED: start Redis there, or correct the address\n`;
  await waitUntil('the first attempt to connect has failed', async () => {
    const response = await fetch(`${lonely.url}/prometheus/metrics`);
    return response.status === 503 && (await response.text()) === body;
  });
  t.pass();
});

test('a port in use is reported in one line', async (t) => {
  const { port } = new URL(url);
  const error = await t.throwsAsync(startAggregator({ redisUrl, prefix, port: Number(port) }), {
    instanceOf: ConfigurationError,
  });
  t.is(error.message, `host, port: expected a free address; 127.0.0.1:${port}: it is in use`);
});

test('every scrape shows what was committed before it began, however many scrape at the same time', async (t) => {
  const own = nextPrefix();
  const aggregators = await Promise.all([1, 2].map(() => startAggregator({ redisUrl, prefix: own })));
  for (const each of aggregators) t.teardown(each.stop);
  for (const each of aggregators) {
    await waitUntil('it to be ready', async () => (await fetch(`${each.url}/readyz`)).ok);
  }
  const signal = { type: 'signal.sent', swarm_id: 's1', sender_id: 'a', receiver_id: 'b', signal_type: 'x' };
  for (let published = 1; published <= 30; published++) {
    const before = aggregators.map(({ url: each }) => scrape(each)); // a turn that may be in progress
    await appendFlat(redis, { prefix: own }, [signal]);
    await waitUntilFolded(redis, { prefix: own });
    const scrapes = await Promise.all([1, 2, 3].flatMap(() => aggregators.map((each) => scrape(each.url))));
    for (const samples of scrapes) {
      t.is(samples.get('signals_sent_total{swarm_id="s1",signal_type="x"}'), String(published));
    }
    await Promise.all(before);
  }
});
