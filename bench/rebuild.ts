import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startPrivateRedis } from '@streamfold/private-servers';
import { Redis } from 'ioredis';
import { median, percentile } from './median.ts';
import type { Measurements } from './summary/measurements.ts';
import { fillStream } from './workload/fill-stream.ts';
import { generateEvent, type Workload } from './workload/generate-workload.ts';

const STREAM = 'streamfold:{0}:events';
const PROGRAM = fileURLToPath(new URL('../../packages/cli/bin/streamfold.js', import.meta.url));

const LOG: Workload = { name: 'log', events: 500_000, eventsPerEntry: 1, series: 1_500 };
/** The load during the measurement: published evenly, in ticks. */
const LIVE_PER_SECOND = 2_000;
const TICK_MS = 20;
/** How long the lag is sampled before the rebuild, and how often. */
const BEFORE_MS = 8_000;
const LOOK_MS = 50;

/** Prints the lag of live folding while nothing else happens, and while a rebuild folds the log beside it. */
export async function benchRebuild(runs: number, { record }: Measurements): Promise<void> {
  console.log(
    `\n### Rebuilding ${LOG.events.toLocaleString('en')} entries, ${LIVE_PER_SECOND.toLocaleString('en')} a second published meanwhile (median of ${runs})\n`,
  );
  console.log('| | live lag p50, ms | live lag p99, ms | rebuilt entries/s |\n|---|---|---|---|');
  const results = [];
  for (let run = 1; run <= runs; run++) {
    console.error(`rebuild: run ${run} of ${runs}`);
    results.push(await measureOnce());
  }
  const rate = Math.round(median(results.map(({ perSecond }) => perSecond))).toLocaleString('en');
  showLag('one aggregator, no rebuild', { lags: results.map(({ before }) => before), rate: '–' });
  showLag('the same, during a rebuild', { lags: results.map(({ during }) => during), rate });
  record('rebuildLagP99Ms', 1_000 * median(results.map(({ during }) => percentile(during, 0.99))));
}

function showLag(name: string, { lags, rate }: { lags: readonly number[][]; rate: string }): void {
  const [p50, p99] = [0.5, 0.99].map((share) =>
    Math.round(1_000 * median(lags.map((each) => percentile(each, share)))),
  );
  console.log(`| ${name} | ${p50} | ${p99} | ${rate} |`);
}

interface Measured {
  /** The sampled lags of the live generation, seconds. */
  readonly before: number[];
  readonly during: number[];
  readonly perSecond: number;
}

async function measureOnce(): Promise<Measured> {
  const server = await startPrivateRedis();
  const redis = new Redis(server.url);
  const publishing = new AbortController();
  let published = Promise.resolve();
  let aggregator: ChildProcess | undefined;
  try {
    await fillStream(server.url, STREAM, LOG);
    aggregator = start(['serve', '--port', '0', '--redis', server.url, '--log-level', 'error']);
    const [{ url }] = (await once(aggregator, 'message')) as [{ url: string }];
    while ((await readLag(url)).lag_entries !== 0) await sleep(LOOK_MS);
    published = publish(redis, publishing.signal);
    const before = await watchLag(url, sleep(BEFORE_MS));
    const startedMs = performance.now();
    const rebuild = start(['rebuild', '--redis', server.url]);
    const ended = once(rebuild, 'exit') as Promise<[number | null]>;
    const during = await watchLag(url, ended);
    const [code] = await ended;
    if (code !== 0) throw new Error(`rebuild: expected exit code 0; got ${code}`);
    return { before, during, perSecond: (LOG.events * 1_000) / (performance.now() - startedMs) };
  } finally {
    publishing.abort();
    await published;
    if (aggregator !== undefined) {
      const exited = once(aggregator, 'exit');
      aggregator.kill();
      await exited;
    }
    redis.disconnect();
    await server.stop();
  }
}

function start(args: readonly string[]): ChildProcess {
  return fork(PROGRAM, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
}

/** Appends events at a steady rate until it is stopped. */
async function publish(redis: Redis, stop: AbortSignal): Promise<void> {
  let count = 0;
  const startedMs = performance.now();
  while (!stop.aborted) {
    const due = ((performance.now() - startedMs) * LIVE_PER_SECOND) / 1_000;
    const pipeline = redis.pipeline();
    for (; count < due; count++)
      pipeline.xadd(STREAM, '*', ...Object.entries(generateEvent(count, LOG)).flat());
    await pipeline.exec();
    await sleep(TICK_MS);
  }
}

/** Samples the lag until `end` resolves. */
async function watchLag(url: string, end: Promise<unknown>): Promise<number[]> {
  const lags: number[] = [];
  let over = false;
  void end.finally(() => (over = true));
  while (!over) {
    lags.push((await readLag(url)).lag_seconds);
    await sleep(LOOK_MS);
  }
  return lags;
}

async function readLag(url: string): Promise<{ lag_entries: number; lag_seconds: number }> {
  const response = await fetch(`${url}/prometheus/health`);
  return (await response.json()) as { lag_entries: number; lag_seconds: number };
}
