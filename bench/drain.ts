import { setTimeout as sleep } from 'node:timers/promises';
import { startPrivateRedis } from '@streamfold/private-servers';
import { Redis } from 'ioredis';
import { launchContender, type ContenderProcess } from './contender/contender-process.ts';
import { median } from './median.ts';
import { readFolded } from './read-folded.ts';
import { readP99Ms, readRedisCpuMs } from './redis-cost.ts';
import { fillStream } from './workload/fill-stream.ts';
import { generateEvent, type Workload } from './workload/generate-workload.ts';

/** A contender that drains the backlog: a program in `contender/`, and its arguments after the URL. */
interface Contender {
  readonly name: string;
  readonly program: 'streamfold' | 'naive' | 'floor';
  readonly args: readonly string[];
  /** Processes at once. */
  readonly processes: number;
}

/** The result of one run: the rate at which the backlog was drained, and the cost. */
interface DrainResult {
  readonly eventsPerSecond: number;
  /** CPU time per event, microseconds, of all contender processes and of Redis. */
  readonly nodeMicros: number;
  readonly redisMicros: number;
  /** How long a read and a commit occupied Redis, 99th percentile, ms. */
  readonly readP99Ms: number;
  readonly commitP99Ms: number;
}

const WORKLOADS: readonly Workload[] = [
  { name: 'flat entries, 1,500 series', events: 300_000, eventsPerEntry: 1, series: 1_500 },
  { name: '50 events an entry, 1,500 series', events: 1_000_000, eventsPerEntry: 50, series: 1_500 },
  { name: 'flat entries, 100,000 series', events: 300_000, eventsPerEntry: 1, series: 100_000 },
];

const NAIVE: Contender = { name: 'naive (N)', program: 'naive', args: [], processes: 1 };
const ONE: Contender = { name: 'streamfold', program: 'streamfold', args: ['all'], processes: 1 };
const CONTENDERS: readonly Contender[] = [
  NAIVE,
  { name: 'reads and XACK only', program: 'floor', args: [], processes: 1 },
  { name: 'streamfold, folding only', program: 'streamfold', args: ['fold'], processes: 1 },
  ONE,
  { name: 'streamfold, two aggregators', program: 'streamfold', args: ['all'], processes: 2 },
];

const STREAM = 'streamfold:{0}:events';
/** Interval between checks whether the backlog is drained. */
const POLL_MS = 5;

/** Prints how fast a backlog is drained, one table per workload. The contenders take turns, `runs` times. */
export async function benchDrain(runs: number): Promise<void> {
  for (const workload of WORKLOADS) {
    const server = await startPrivateRedis();
    const redis = new Redis(server.url);
    try {
      console.error(`drain: ${workload.name}: filling the stream`);
      await fillStream(server.url, STREAM, workload);
      const results = new Map<Contender, DrainResult[]>(CONTENDERS.map((contender) => [contender, []]));
      for (let run = 1; run <= runs; run++) {
        for (const contender of CONTENDERS) {
          console.error(`drain: ${workload.name}: run ${run} of ${runs}: ${contender.name}`);
          await forgetConsumers(redis);
          results.get(contender)?.push(await drain(redis, { url: server.url, workload, contender }));
        }
      }
      printTable(workload, results, runs);
    } finally {
      redis.disconnect();
      await server.stop();
    }
  }
}

/** Leaves only the stream in Redis, as if nobody had ever read it. */
async function forgetConsumers(redis: Redis): Promise<void> {
  for (const key of await redis.keys('*')) if (key !== STREAM) await redis.del(key);
  for (const group of (await redis.xinfo('GROUPS', STREAM)) as string[][]) {
    await redis.xgroup('DESTROY', STREAM, group[1] ?? '');
  }
  await redis.config('RESETSTAT');
}

async function drain(
  redis: Redis,
  { url, workload, contender }: { url: string; workload: Workload; contender: Contender },
): Promise<DrainResult> {
  const { program, args } = contender;
  const processes: ContenderProcess[] = [];
  try {
    for (let n = 0; n < contender.processes; n++)
      processes.push(await launchContender(program, [url, ...args]));
    const readNodeCpuMs = (): number => processes.reduce((total, each) => total + each.readCpuMs(), 0);
    const nodeBeforeMs = readNodeCpuMs();
    const redisBeforeMs = await readRedisCpuMs(redis);
    const startedMs = performance.now();
    for (const each of processes) each.start();
    await drained(redis);
    const elapsedMs = performance.now() - startedMs;
    const nodeMs = readNodeCpuMs() - nodeBeforeMs;
    const redisMs = (await readRedisCpuMs(redis)) - redisBeforeMs;
    const stalls = {
      readP99Ms: await readP99Ms(redis, 'xreadgroup'),
      commitP99Ms: await readP99Ms(redis, 'evalsha'),
    };
    await checkResult(redis, workload, { contender, processes });
    return {
      eventsPerSecond: (workload.events * 1_000) / elapsedMs,
      nodeMicros: (nodeMs * 1_000) / workload.events,
      redisMicros: (redisMs * 1_000) / workload.events,
      ...stalls,
    };
  } finally {
    for (const each of processes) await each.kill();
  }
}

/** Waits until every entry has been delivered and acknowledged. */
async function drained(redis: Redis): Promise<void> {
  const [[lastId] = ['']] = await redis.xrevrange(STREAM, '+', '-', 'COUNT', 1);
  for (;;) {
    const groups = (await redis.xinfo('GROUPS', STREAM)) as (string | number)[][];
    const group = groups[0] ?? [];
    const field = (name: string): string | number | undefined => group[group.indexOf(name) + 1];
    if (field('last-delivered-id') === lastId && field('pending') === 0) return;
    await sleep(POLL_MS);
  }
}

/** @throws if an event was not folded exactly once: a wrong result is not a fast one. */
async function checkResult(
  redis: Redis,
  workload: Workload,
  { contender, processes }: { contender: Contender; processes: readonly ContenderProcess[] },
): Promise<void> {
  const expect = (what: string, expected: number, got: unknown): void => {
    if (got !== expected)
      throw new Error(`${contender.name}: ${what}: expected ${expected}, got ${String(got)}`);
  };
  if (contender.program !== 'streamfold') {
    const done = await processes[0]?.told('done');
    if (contender.program === 'naive') expect('events', workload.events, done?.['events']);
    else expect('entries', Math.ceil(workload.events / workload.eventsPerEntry), done?.['entries']);
    return;
  }
  const folded = await readFolded(redis);
  expect('events', workload.events, folded.events);
  expect('dead letters', 0, folded.deadLetters);
  const expected = countExpected(workload);
  for (const [type, metric] of METRICS) expect(metric, expected.get(type) ?? 0, folded.counts.get(metric));
}

/** The metric that counts the events of a type. */
const METRICS = [
  ['signal.acked', 'signal_delivery_latency_seconds'],
  ['signal.sent', 'signals_sent_total'],
  ['wait.finished', 'blocking_duration_seconds'],
  ['timeout', 'timeout_events_total'],
] as const;

function countExpected(workload: Workload): Map<string, number> {
  const counts = new Map<string, number>();
  for (let index = 0; index < workload.events; index++) {
    const { type = '' } = generateEvent(index, workload);
    counts.set(type, (counts.get(type) ?? 0) + 1);
  }
  return counts;
}

function printTable(workload: Workload, results: ReadonlyMap<Contender, DrainResult[]>, runs: number): void {
  const naive = results.get(NAIVE) ?? [];
  const one = results.get(ONE) ?? [];
  const events = workload.events.toLocaleString('en');
  console.log(`\n### Draining: ${workload.name} (${events} events, median of ${runs})\n`);
  console.log(
    '| contender | events/s | × N | × one | Node µs/event | Redis µs/event | read p99, ms | commit p99, ms |',
  );
  console.log('|---|---|---|---|---|---|---|---|');
  for (const [{ name }, rows] of results) {
    const of = (field: keyof DrainResult): number => median(rows.map((row) => row[field]));
    const ratio = (base: readonly DrainResult[]): string =>
      median(
        rows.map((row, run) => row.eventsPerSecond / (base[run]?.eventsPerSecond ?? Number.NaN)),
      ).toFixed(2);
    const show = (field: keyof DrainResult): string => (Number.isNaN(of(field)) ? '–' : of(field).toFixed(2));
    const shown = Math.round(of('eventsPerSecond')).toLocaleString('en');
    const costs = (['nodeMicros', 'redisMicros', 'readP99Ms', 'commitP99Ms'] as const).map(show);
    console.log(`| ${[name, shown, ratio(naive), ratio(one), ...costs].join(' | ')} |`);
  }
}
