import { startPrivateRedis } from '@streamfold/private-servers';
import { Redis } from 'ioredis';
import {
  drain,
  FOLD_ONLY,
  forgetConsumers,
  NAIVE,
  ONE,
  STREAM,
  type Contender,
  type DrainResult,
} from './drain-backlog.ts';
import { median } from './median.ts';
import type { Measurements } from './summary/measurements.ts';
import { fillStream } from './workload/fill-stream.ts';
import type { Workload } from './workload/generate-workload.ts';

const FLAT: Workload = {
  name: 'flat entries, 1,500 series',
  events: 600_000,
  eventsPerEntry: 1,
  series: 1_500,
};
const BATCHES: Workload = {
  name: '50 events an entry, 1,500 series',
  events: 3_000_000,
  eventsPerEntry: 50,
  series: 1_500,
};
const MANY_SERIES: Workload = {
  name: 'flat entries, 100,000 series',
  events: 600_000,
  eventsPerEntry: 1,
  series: 100_000,
};

/** What the contenders did, one result per turn. */
type Results = ReadonlyMap<Contender, readonly DrainResult[]>;

const TWO: Contender = {
  name: 'streamfold, two aggregators',
  program: 'streamfold',
  args: ['all'],
  processes: 2,
};
const CONTENDERS: readonly Contender[] = [
  NAIVE,
  { name: 'reads and XACK only', program: 'floor', args: [], processes: 1 },
  FOLD_ONLY,
  ONE,
  TWO,
];

/** Prints how fast a backlog is drained, one table per workload. The contenders take turns, `runs` times. */
export async function benchDrain(runs: number, measurements: Measurements): Promise<void> {
  const flat = await benchWorkload(FLAT, runs);
  const batches = await benchWorkload(BATCHES, runs);
  const manySeries = await benchWorkload(MANY_SERIES, runs);
  recordResults({ flat, batches, manySeries }, measurements);
}

async function benchWorkload(workload: Workload, runs: number): Promise<Results> {
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
    return results;
  } finally {
    redis.disconnect();
    await server.stop();
  }
}

function printTable(workload: Workload, results: Results, runs: number): void {
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

/** The median of a quotient of two contenders of the same turn. */
function compare(
  field: keyof DrainResult,
  over: readonly DrainResult[] = [],
  under: readonly DrainResult[] = [],
): number {
  return median(over.map((result, turn) => result[field] / (under[turn]?.[field] ?? Number.NaN)));
}

function recordResults(
  { flat, batches, manySeries }: Readonly<Record<'flat' | 'batches' | 'manySeries', Results>>,
  { record }: Measurements,
): void {
  const rate = 'eventsPerSecond';
  const all = [flat, batches, manySeries].map((results) => results.get(ONE) ?? []);
  record('flatRate', compare(rate, flat.get(ONE), flat.get(NAIVE)));
  record('batchRate', compare(rate, batches.get(ONE), flat.get(NAIVE)));
  record('manySeriesRate', compare(rate, manySeries.get(ONE), manySeries.get(NAIVE)));
  record('nodeCpuGrowth', compare('nodeMicros', manySeries.get(ONE), flat.get(ONE)));
  record('redisCpu', compare('redisMicros', flat.get(ONE), flat.get(NAIVE)));
  record('commitP99Ms', Math.max(...all.map((rows) => median(rows.map(({ commitP99Ms }) => commitP99Ms)))));
  record('serveToFold', compare('nodeMicros', flat.get(ONE), flat.get(FOLD_ONLY)));
  record('twoAggregators', compare(rate, flat.get(TWO), flat.get(ONE)));
  record('liveEventsPerSecond', median((flat.get(ONE) ?? []).map(({ eventsPerSecond }) => eventsPerSecond)));
}
