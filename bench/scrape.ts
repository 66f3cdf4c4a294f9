import { setTimeout as sleep } from 'node:timers/promises';
import { startPrivateRedis } from '@streamfold/private-servers';
import { Redis } from 'ioredis';
import { launchContender, type ContenderProcess } from './contender/contender-process.ts';
import { median } from './median.ts';
import type { Measurements } from './summary/measurements.ts';
import { fetchBytes, scrapeOnce, type ScrapeCost } from './scrape-once.ts';
import { fillSeries, type SeriesKind } from './workload/fill-series.ts';

const STREAM = 'streamfold:{0}:events';
const CASES: readonly { readonly series: number; readonly kind: SeriesKind }[] = [
  { series: 10_000, kind: 'mixed' },
  { series: 100_000, kind: 'mixed' },
  { series: 100_000, kind: 'histograms' },
];
/** How often each series is incremented: this makes the delta log long enough for a snapshot at 100,000 series. */
const ROUNDS = 4;
const CHANGED_SHARE = 0.01;
const POLL_MS = 2;
const READY_DEADLINE_MS = 120_000;
const AT_ONCE = 10;
/** How long the CPU time of an aggregator without work is measured. */
const IDLE_MS = 3_000;

interface ScrapeResult {
  /** From the start of the loaded program to its `/readyz` being 200. */
  readonly readyMs: number;
  /** CPU time per second without work and scrapes, ms. */
  readonly idleMs: number;
  readonly cold: ScrapeCost;
  readonly changed: ScrapeCost;
  readonly unchanged: ScrapeCost;
  readonly coldGzip: ScrapeCost;
  readonly changedGzip: ScrapeCost;
  /** Resident after the first scrape. */
  readonly residentMib: number;
  /** Resident after all scrapes, with gzip. */
  readonly gzipMib: number;
  /** The most memory during one scrape, and during ten at once. */
  readonly peakOfOneMib: number;
  readonly peakOfTenMib: number;
  /** Main thread of prom-client's `registry.metrics()`. */
  readonly promClientMs: number;
}

/** Prints the cost of a scrape, at first and after 1 % of the series changed, next to prom-client with the same series. */
export async function benchScrape(runs: number, { record }: Measurements): Promise<void> {
  const rows: string[] = [];
  for (const { series, kind } of CASES) {
    const server = await startPrivateRedis();
    const redis = new Redis(server.url);
    try {
      await prepare(redis, server.url, { series, kind });
      const results: ScrapeResult[] = [];
      for (let run = 1; run <= runs; run++) {
        console.error(`scrape: ${series} series, ${kind}: run ${run} of ${runs}`);
        results.push(await measure(redis, server.url, { series, kind }));
      }
      rows.push(...toRows({ series, kind }, results, await readOrigin(redis)));
      if (series === 100_000) recordResults(kind, results, record);
    } finally {
      redis.disconnect();
      await server.stop();
    }
  }
  console.log(`\n### Scraping (median of ${runs})\n`);
  console.log('| series | what | main thread, ms | as the client sees it, ms | × prom-client |');
  console.log('|---|---|---|---|---|');
  for (const row of rows) console.log(row);
}

interface Case {
  readonly series: number;
  readonly kind: SeriesKind;
}

/** Folds all series into the state, and writes a snapshot if the log is long enough for one. */
async function prepare(redis: Redis, url: string, { series, kind }: Case): Promise<void> {
  console.error(`scrape: ${series} series, ${kind}: filling the state`);
  const aggregator = await launchContender('streamfold', [url, 'all']);
  aggregator.start();
  await aggregator.told('listening');
  for (let round = 0; round < ROUNDS; round++) {
    await fillSeries(url, { key: STREAM, count: series, kind });
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

async function measure(redis: Redis, url: string, { series, kind }: Case): Promise<ScrapeResult> {
  const aggregator = await launchContender('streamfold', [url, 'all']);
  const startedMs = performance.now();
  aggregator.start();
  const change = async (): Promise<void> => {
    await fillSeries(url, { key: STREAM, count: Math.round(series * CHANGED_SHARE), kind });
    await folded(redis);
  };
  try {
    const base = String((await aggregator.told('listening'))['url']);
    await ready(base);
    const readyMs = performance.now() - startedMs;
    const idleMs = await measureIdle(aggregator);
    const cold = await scrapeOnce(aggregator, base, 'identity');
    const residentMib = aggregator.readResidentMib();
    await change();
    const changed = await scrapeOnce(aggregator, base, 'identity');
    const unchanged = await scrapeOnce(aggregator, base, 'identity');
    await change();
    const peakOfOneMib = await peak(aggregator, () => fetchBytes(base, 'identity'));
    await change();
    const peakOfTenMib = await peak(aggregator, () =>
      Promise.all(Array.from({ length: AT_ONCE }, () => fetchBytes(base, 'identity'))),
    );
    const coldGzip = await scrapeOnce(aggregator, base, 'gzip');
    await change();
    const changedGzip = await scrapeOnce(aggregator, base, 'gzip');
    const gzipMib = aggregator.readResidentMib();
    const promClientMs = await measurePromClient({ series, kind });
    const costs = { cold, changed, unchanged, coldGzip, changedGzip };
    return { readyMs, idleMs, ...costs, residentMib, gzipMib, peakOfOneMib, peakOfTenMib, promClientMs };
  } finally {
    await aggregator.kill();
  }
}

async function measureIdle(aggregator: ContenderProcess): Promise<number> {
  const beforeMs = aggregator.readCpuMs();
  await sleep(IDLE_MS);
  return ((aggregator.readCpuMs() - beforeMs) * 1_000) / IDLE_MS;
}

/** The most memory that is resident while `work` is done. */
async function peak(aggregator: ContenderProcess, work: () => Promise<unknown>): Promise<number> {
  aggregator.forgetPeak();
  await work();
  return aggregator.readPeakMib();
}

async function measurePromClient({ series, kind }: Case): Promise<number> {
  const promClient = await launchContender('prom-client', [String(series), kind]);
  promClient.start();
  try {
    return Number((await promClient.told('done'))['mainThreadMs']);
  } finally {
    await promClient.kill();
  }
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

/** For the summary: what is required of 100,000 series. */
function recordResults(
  kind: SeriesKind,
  results: readonly ScrapeResult[],
  record: Measurements['record'],
): void {
  const of = (read: (result: ScrapeResult) => number): number => median(results.map(read));
  if (kind === 'histograms')
    record(
      'histogramMemory',
      of(({ residentMib }) => residentMib),
    );
  else {
    record(
      'scrapeChanged',
      of(({ changed, promClientMs }) => changed.mainThreadMs / promClientMs),
    );
    record(
      'tenScrapesMemory',
      of(({ peakOfOneMib, peakOfTenMib }) => peakOfTenMib / peakOfOneMib),
    );
    record(
      'readyMs',
      of(({ readyMs }) => readyMs),
    );
  }
}

function toRows({ series, kind }: Case, results: readonly ScrapeResult[], origin: string): string[] {
  const of = (read: (result: ScrapeResult) => number): number => median(results.map(read));
  const shown = `${series.toLocaleString('en')} ${kind}`;
  const scrape = (what: string, read: (result: ScrapeResult) => ScrapeCost): string => {
    const main = of((result) => read(result).mainThreadMs).toFixed(1);
    const client = of((result) => read(result).clientMs).toFixed(1);
    const ratio = of((result) => read(result).mainThreadMs / result.promClientMs).toFixed(3);
    const megabytes = of((result) => read(result).bytes / 1e6).toFixed(1);
    return `| ${shown} | ${what} (${megabytes} MB) | ${main} | ${client} | ${ratio} |`;
  };
  const other = (what: string, value: string): string => `| ${shown} | ${what}: ${value} | – | – | – |`;
  const promClientMs = of((result) => result.promClientMs).toFixed(1);
  return [
    `| ${shown} | prom-client, each time | ${promClientMs} | – | 1 |`,
    scrape('first scrape', ({ cold }) => cold),
    scrape('after 1 % changed', ({ changed }) => changed),
    scrape('nothing changed', ({ unchanged }) => unchanged),
    scrape('first scrape, gzip', ({ coldGzip }) => coldGzip),
    scrape('after 1 % changed, gzip', ({ changedGzip }) => changedGzip),
    other('resident after a scrape, MiB', of(({ residentMib }) => residentMib).toFixed(0)),
    other('resident after the gzip scrapes, MiB', of(({ gzipMib }) => gzipMib).toFixed(0)),
    other(
      'most memory of ten scrapes at once × one',
      of(({ peakOfOneMib, peakOfTenMib }) => peakOfTenMib / peakOfOneMib).toFixed(2),
    ),
    other(`start from ${origin} until ready, ms`, of(({ readyMs }) => readyMs).toFixed(0)),
    other('CPU without work, ms/s', of(({ idleMs }) => idleMs).toFixed(1)),
  ];
}
