import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type ExecutionContext } from '../harness/ava.ts';
import {
  createMetricsHandler,
  findGeneration,
  runAggregator,
  type MetricsHandler,
} from '@streamfold/aggregator';
import { completeOptions } from '@streamfold/aggregator/round-trips';
import { ConfigurationError } from '@streamfold/redis';
import { SETTINGS } from 'streamfold';
import { appendFlat } from '../harness/append-events.ts';
import { generateEvents } from '../harness/generate-events.ts';
import { runStreamfold } from '../harness/run-streamfold.ts';
import { scrape, withoutAges } from '../harness/scrape.ts';
import { startAggregator } from '../harness/start-aggregator.ts';
import { nextPrefix, shareRedis, startRedis } from '../harness/start-redis.ts';
import { waitUntilFolded } from '../harness/wait-until-folded.ts';
import { waitUntil } from '../harness/wait-until.ts';

const { redis, url: redisUrl, stop } = await shareRedis();
test.after.always(stop);

test('a program runs an aggregator given only the address of Redis and a port', async (t) => {
  const ending = new AbortController();
  let ended: Promise<void> = Promise.resolve();
  const url = await new Promise<string>((onListening, reject) => {
    ended = runAggregator({ redisUrl, port: 0, onListening, prefix: undefined }, ending.signal);
    ended.catch(reject);
  });
  await scrape(url);
  const { status, version } = (await (await fetch(`${url}/prometheus/health`)).json()) as Record<
    string,
    string
  >;
  t.is(status, 'healthy');
  t.regex(version ?? '', /^\d+\.\d+\.\d+/);
  ending.abort();
  await t.notThrowsAsync(ended);
});

test('the defaults of the library are those of the command line', (t) => {
  const settings = completeOptions({ redisUrl, host: undefined });
  const { endedForHours, ...same } = SETTINGS;
  t.is(settings.endedForMs, endedForHours.byDefault * 3_600_000);
  for (const name of [
    'prefix',
    'shards',
    'host',
    'port',
    'role',
    'claimIdleMs',
    'batchEntries',
    'monitorGraceMs',
    'generationGraceMs',
    'deadLettersMost',
  ] as const)
    t.is<unknown, unknown>(settings[name], same[name].byDefault, name);
  t.not(settings.consumer, completeOptions({ redisUrl }).consumer);
});

/** The address of a server that answers everything with the handler. */
async function mount(t: ExecutionContext, handler: MetricsHandler): Promise<string> {
  const server = createServer(handler.handle).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(async () => {
    await handler.close();
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('a mounted handler serves the folded metrics, also after another generation has become live', async (t) => {
  const prefix = nextPrefix();
  const url = await mount(t, createMetricsHandler({ redisUrl, prefix }));
  await waitUntil('it says why there are no metrics yet', async () => {
    const response = await fetch(`${url}/prometheus/metrics`);
    return response.status === 503 && /no aggregator has folded anything yet/.test(await response.text());
  });
  t.is(await redis.exists(`${prefix}:generations`, `${prefix}:shards`), 0);

  const aggregator = await startAggregator({ redisUrl, prefix });
  t.teardown(aggregator.stop);
  await appendFlat(redis, { prefix }, [...generateEvents(300, { seed: 1 })]);
  await waitUntilFolded(redis, { prefix });
  await scrape(url);
  t.deepEqual(withoutAges(await scrape(url)), withoutAges(await scrape(aggregator.url)));

  const before = await findGeneration(redis, { prefix, shard: 0 });
  const { code, stderr } = await runStreamfold(['rebuild', '--redis', redisUrl, '--prefix', prefix]);
  t.is(code, 0, stderr);
  t.not((await findGeneration(redis, { prefix, shard: 0 }))?.id, before?.id);
  await appendFlat(redis, { prefix }, [...generateEvents(300, { seed: 2 })]);
  await waitUntilFolded(redis, { prefix });
  await scrape(aggregator.url);
  await scrape(url);
  t.deepEqual(withoutAges(await scrape(url)), withoutAges(await scrape(aggregator.url)));

  t.is((await fetch(url, { method: 'POST' })).status, 405);
});

test('a port that is no port is refused with what was expected', async (t) => {
  for (const port of ['abc', '', 99_999, 1.5]) {
    await t.throwsAsync(runAggregator({ redisUrl, port: port as number }, new AbortController().signal), {
      instanceOf: ConfigurationError,
      message: `port: expected a whole number from 0 to 65535; got ${JSON.stringify(port)}`,
    });
  }
});

test('a time of archiving that is not a number is refused with what was expected', async (t) => {
  const times = { archive: undefined, everyMs: 1_000, settleMs: 0, retentionMs: 0 };
  for (const name of ['everyMs', 'settleMs', 'retentionMs']) {
    const archiving = { ...times, [name]: Number.NaN };
    await t.throwsAsync(runAggregator({ redisUrl, port: 0, archiving }, AbortSignal.abort()), {
      instanceOf: ConfigurationError,
      message: `archiving.${name}: expected a whole number of at least ${name === 'everyMs' ? 1 : 0}; got NaN`,
    });
  }
});

test('a mounted handler answers 503, never old values, while Redis is away and after it was closed', async (t) => {
  const own = await startRedis();
  t.teardown(own.stop);
  const facts: string[] = [];
  const handler = createMetricsHandler({ redisUrl: own.url, observe: ({ type }) => facts.push(type) });
  const url = await mount(t, handler);
  const aggregator = await startAggregator({ redisUrl: own.url });
  await scrape(url);
  await aggregator.stop();
  await own.stop();
  const away = await fetch(url);
  t.is(away.status, 503);
  t.regex(await away.text(), /^# .*\n$/);
  await waitUntil('the failure is reported', () => facts.includes('connection_failed'));
  await handler.close();
  await handler.close();
  const closed = await fetch(url);
  t.is(closed.status, 503);
  t.is(await closed.text(), '# the metrics handler is closed\n');
});

test('a mounted handler configured for another number of shards serves nothing, and reports both numbers', async (t) => {
  const prefix = nextPrefix();
  const aggregator = await startAggregator({ redisUrl, prefix, shards: 2 });
  t.teardown(aggregator.stop);
  await scrape(aggregator.url);
  const url = await mount(t, createMetricsHandler({ redisUrl, prefix, observe: () => undefined }));
  await waitUntil('the reason is shown', async () => {
    const response = await fetch(url);
    return response.status === 503 && /shards: expected 2, .*; got 1/.test(await response.text());
  });
  t.pass();
});
