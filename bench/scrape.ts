import { setTimeout as sleep } from 'node:timers/promises';
import { startPrivateRedis } from '@streamfold/private-servers';
import { Redis } from 'ioredis';
import { launchContender } from './contender/contender-process.ts';
import { median } from './median.ts';
import { fillSeries } from './workload/fill-series.ts';

const STREAM = 'streamfold:{0}:events';
const SERIES = [10_000, 100_000];
/** How often each series is incremented: this makes the delta log long enough for a snapshot at 100,000 series. */
const ROUNDS = 4;
const CHANGED_SHARE = 0.01;
const POLL_MS = 2;
const READY_DEADLINE_MS = 120_000;

interface ScrapeResult {
  /** From the start of the loaded program to its `/readyz` being 200. */
  readonly readyMs: number;
  /** Measured by the aggregator itself, without HTTP. */
  readonly coldMs: number;
  readonly changedMs: number;
  /** Measured by the scraper, not compressed. */
  readonly coldHttpMs: number;
  readonly changedHttpMs: number;
  readonly promClientMs: number;
  readonly megabytes: number;
}

/** Prints the cost of a scrape, at first and after 1 % of the series changed, next to prom-client with the same series. */
export async function benchScrape(runs: number): Promise<void> {
  const rows: string[] = [];
  for (const series of SERIES) {
    const server = await startPrivateRedis();
    const redis = new Redis(server.url);
    try {
      await prepare(redis, server.url, series);
      const results: ScrapeResult[] = [];
      for (let run = 1; run <= runs; run++) {
        console.error(`scrape: ${series} series: run ${run} of ${runs}`);
        results.push(await measure(redis, server.url, series));
      }
      rows.push(...toRows(series, results, await readOrigin(redis)));
    } finally {
      redis.disconnect();
      await server.stop();
    }
  }
  console.log(`\n### Scraping (median of ${runs})\n`);
  console.log('| series | what | ms | of it HTTP, ms | × prom-client |\n|---|---|---|---|---|');
  for (const row of rows) console.log(row);
}

/** Folds all series into the state, and writes a snapshot if the log is long enough for one. */
async function prepare(redis: Redis, url: string, series: number): Promise<void> {
  console.error(`scrape: ${series} series: filling the state`);
  const aggregator = await launchContender('streamfold', [url, 'all']);
  aggregator.start();
  await aggregator.told('listening');
  for (let round = 0; round < ROUNDS; round++) {
    await fillSeries(url, STREAM, series);
    await folded(redis);
  }
  await sleep(SNAPSHOT_WAIT_MS);
  await aggregator.kill();
}

/** An aggregator checks each second whether a snapshot is due, and may take some seconds to write it. */
const SNAPSHOT_WAIT_MS = 4_000;

/** The state from which an aggregator starts. */
async function readOrigin(redis: Redis): Promise<string> {
  const [snapshot] = await redis.keys('streamfold:{0}:g:*:snapshot');
  return snapshot === undefined ? 'the delta log' : 'a snapshot';
}

async function measure(redis: Redis, url: string, series: number): Promise<ScrapeResult> {
  const aggregator = await launchContender('streamfold', [url, 'all']);
  const startedMs = performance.now();
  aggregator.start();
  try {
    const base = String((await aggregator.told('listening'))['url']);
    await ready(base);
    const readyMs = performance.now() - startedMs;
    const cold = await scrape(base);
    await fillSeries(url, STREAM, Math.round(series * CHANGED_SHARE));
    await folded(redis);
    const changed = await scrape(base);
    return {
      readyMs,
      coldMs: cold.ownMs,
      changedMs: changed.ownMs,
      coldHttpMs: cold.httpMs,
      changedHttpMs: changed.httpMs,
      promClientMs: await measurePromClient(series),
      megabytes: changed.bytes / 1e6,
    };
  } finally {
    await aggregator.kill();
  }
}

async function measurePromClient(series: number): Promise<number> {
  const promClient = await launchContender('prom-client', [String(series)]);
  promClient.start();
  try {
    return Number((await promClient.told('done'))['elapsedMs']);
  } finally {
    await promClient.kill();
  }
}

async function scrape(base: string): Promise<{ ownMs: number; httpMs: number; bytes: number }> {
  const beforeSeconds = await readScrapeSeconds(base);
  const startedMs = performance.now();
  const reply = await fetch(`${base}/prometheus/metrics`, { headers: { 'accept-encoding': 'identity' } });
  const body = await reply.arrayBuffer();
  const httpMs = performance.now() - startedMs;
  if (reply.status !== 200) throw new Error(`scrape: expected status 200, got ${reply.status}`);
  const ownMs = ((await readScrapeSeconds(base)) - beforeSeconds) * 1_000;
  return { ownMs, httpMs, bytes: body.byteLength };
}

/** Time spent in scrapes, by the aggregator's own metrics. */
async function readScrapeSeconds(base: string): Promise<number> {
  const text = await (await fetch(`${base}/metrics`)).text();
  return Number(/^streamfold_scrape_duration_seconds_sum (\S+)$/m.exec(text)?.[1] ?? Number.NaN);
}

async function ready(base: string): Promise<void> {
  const deadlineMs = performance.now() + READY_DEADLINE_MS;
  while ((await fetch(`${base}/readyz`)).status !== 200) {
    if (performance.now() > deadlineMs)
      throw new Error('scrape: expected the aggregator to be ready; it is not');
    await sleep(POLL_MS);
  }
}

/** Waits until the group has nothing left to fold. */
async function folded(redis: Redis): Promise<void> {
  const [[lastId] = ['']] = await redis.xrevrange(STREAM, '+', '-', 'COUNT', 1);
  for (;;) {
    const [group = []] = (await redis.xinfo('GROUPS', STREAM)) as (string | number)[][];
    const field = (name: string): string | number | undefined => group[group.indexOf(name) + 1];
    if (field('last-delivered-id') === lastId && field('pending') === 0) return;
    await sleep(POLL_MS);
  }
}

function toRows(series: number, results: readonly ScrapeResult[], origin: string): string[] {
  const of = (field: keyof ScrapeResult): number => median(results.map((result) => result[field]));
  const ratio = (field: keyof ScrapeResult): string =>
    median(results.map((result) => result[field] / result.promClientMs)).toFixed(3);
  const shown = series.toLocaleString('en');
  const row = (what: string, own: keyof ScrapeResult, http: keyof ScrapeResult): string =>
    `| ${shown} | ${what} | ${of(own).toFixed(1)} | ${(of(http) - of(own)).toFixed(1)} | ${ratio(own)} |`;
  return [
    `| ${shown} | prom-client, each time | ${of('promClientMs').toFixed(1)} | – | 1 |`,
    row(`first scrape (${of('megabytes').toFixed(1)} MB)`, 'coldMs', 'coldHttpMs'),
    row('after 1 % changed', 'changedMs', 'changedHttpMs'),
    `| ${shown} | start from ${origin} until ready | ${of('readyMs').toFixed(0)} | – | – |`,
  ];
}
