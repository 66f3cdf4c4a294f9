import { test } from '../harness/ava.ts';
import { CATALOGUE } from '@streamfold/core';
import { get, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { appendFlat } from '../harness/append-events.ts';
import { generateEvents } from '../harness/generate-events.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { nextPrefix, shareRedis } from '../harness/start-redis.ts';
import { waitUntilFolded } from '../harness/wait-until-folded.ts';

const { redis, url: redisUrl, stop } = await shareRedis();
const full = await startAggregator({ redisUrl, prefix: nextPrefix() });
const prefix = nextPrefix();
const folded = await startAggregator({ redisUrl, prefix });
test.before(async () => {
  await appendFlat(redis, { prefix }, generateEvents(500, { seed: 1 }));
  await waitUntilFolded(redis, { prefix });
});
test.after.always(async () => {
  await Promise.all([full.stop(), folded.stop()]);
  await stop();
});

const TEXT = 'text/plain; version=0.0.4; charset=utf-8';
const OPENMETRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8';
/** The headers that Prometheus 2.42 and 3.5 send. */
const PROMETHEUS_2 =
  'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
const PROMETHEUS_3 =
  'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1';

/** GET without the headers that are `undefined`. */
async function request(
  url: string,
  headers: Record<string, string>,
): Promise<{ response: IncomingMessage; body: Buffer }> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(url, { headers }, resolve).on('error', reject);
  });
  return { response, body: await buffer(response) };
}

for (const [accept, expected] of [
  [undefined, TEXT],
  ['*/*', TEXT],
  ['text/plain', TEXT],
  ['application/json', TEXT],
  [PROMETHEUS_2, OPENMETRICS],
  [PROMETHEUS_3, OPENMETRICS],
  ['application/openmetrics-text', OPENMETRICS],
  ['application/openmetrics-text; version=1.0.0; q=0.2, text/plain; version=0.0.4; q=0.9', TEXT],
  ['application/openmetrics-text; q=0.9, text/plain; q=0.2', OPENMETRICS],
  ['application/openmetrics-text;q=0, text/plain', TEXT],
  ['text/plain;version=0.0.4;q=0.5,application/openmetrics-text;version=1.0.0;q=0.9', OPENMETRICS],
] as const) {
  test(`Accept: ${accept ?? '(none)'} is answered with ${expected.split(';')[0]}`, async (t) => {
    const headers = accept === undefined ? {} : { accept };
    const { response, body } = await request(`${folded.url}/prometheus/metrics`, headers);
    t.is(response.statusCode, 200);
    t.is(response.headers['content-type'], expected);
    t.is(body.toString().endsWith('# EOF\n'), expected === OPENMETRICS);
  });
}

for (const accept of ['text/plain', 'application/openmetrics-text', PROMETHEUS_3]) {
  test(`${accept} is compressed with gzip if the client asks for it, and only then`, async (t) => {
    const url = `${folded.url}/prometheus/metrics`;
    const plain = await request(url, { accept });
    t.is(plain.response.headers['content-encoding'], undefined);
    const zipped = await request(url, { accept, 'accept-encoding': 'gzip' });
    t.is(zipped.response.headers['content-encoding'], 'gzip');
    t.true(zipped.body.length < plain.body.length / 2);
    t.deepEqual(
      linesWithoutAges(gunzipSync(zipped.body).toString()),
      linesWithoutAges(plain.body.toString()),
    );
    t.regex(zipped.response.headers.vary ?? '', /accept-encoding/i);
  });
}

for (const encoding of ['identity;q=0', '*;q=0', 'br', 'gzip;q=0', '']) {
  test(`Accept-Encoding: ${encoding || '(empty)'} is answered uncompressed, not with an error`, async (t) => {
    for (const path of ['/prometheus/metrics', '/metrics', '/livez']) {
      const { response, body } = await request(folded.url + path, { 'accept-encoding': encoding });
      t.is(response.statusCode, 200, path);
      t.is(response.headers['content-encoding'], undefined, path);
      t.not(body.length, 0, path);
    }
  });
}

for (const accept of ['text/plain', 'application/openmetrics-text']) {
  test(`every family has HELP and TYPE even without series, as ${accept}`, async (t) => {
    const { body } = await request(`${full.url}/prometheus/metrics`, { accept });
    const lines = body.toString().trimEnd().split('\n');
    t.true(lines.every((line) => line.startsWith('# ')));
    for (const { name, type } of CATALOGUE) {
      const family = accept !== 'text/plain' && type === 'counter' ? name.replace(/_total$/, '') : name;
      t.true(
        lines.some((line) => line.startsWith(`# HELP ${family} `)),
        name,
      );
      t.true(lines.includes(`# TYPE ${family} ${type}`), name);
    }
  });
}

/** The lines that do not change with the clock. */
function linesWithoutAges(text: string): string[] {
  return text.split('\n').filter((line) => !line.startsWith('blocking_oldest'));
}
