import { startPrivateRedis } from '@streamfold/private-servers';
import { Redis } from 'ioredis';
import {
  drain,
  forgetConsumers,
  NAIVE,
  ONE,
  STREAM,
  type Contender,
  type DrainResult,
} from './drain-backlog.ts';
import { median } from './median.ts';
import { buildPeers } from './peers/build-peers.ts';
import { measureStatsdExporter, type StatsdResult } from './peers/statsd-exporter.ts';
import { fillStream } from './workload/fill-stream.ts';
import type { Workload } from './workload/generate-workload.ts';

const WORKLOADS: readonly Workload[] = [
  { name: 'flat entries', events: 300_000, eventsPerEntry: 1, series: 1_500 },
  { name: '50 events an entry', events: 1_000_000, eventsPerEntry: 50, series: 1_500 },
];

const GO: Contender = { name: 'Go consumer', program: 'go', args: [], processes: 1 };
const CONTENDERS: readonly Contender[] = [NAIVE, GO, ONE];

/** Prints how fast programs in Go do the same work, on the same events. The contenders take turns, `runs` times. */
export async function benchPeers(runs: number): Promise<void> {
  await buildPeers();
  console.log(`\n### Peers (1,500 series, median of ${runs})\n`);
  console.log(
    '| program | workload | events/s | × N | CPU µs/event | Redis µs/event |\n|---|---|---|---|---|---|',
  );
  for (const workload of WORKLOADS) await benchWorkload(workload, runs);
}

async function benchWorkload(workload: Workload, runs: number): Promise<void> {
  const server = await startPrivateRedis();
  const redis = new Redis(server.url);
  const results = new Map<Contender, DrainResult[]>(CONTENDERS.map((contender) => [contender, []]));
  const statsd: StatsdResult[] = [];
  try {
    await fillStream(server.url, STREAM, workload);
    for (let run = 1; run <= runs; run++) {
      for (const contender of CONTENDERS) {
        console.error(`peers: ${workload.name}: run ${run} of ${runs}: ${contender.name}`);
        await forgetConsumers(redis);
        results.get(contender)?.push(await drain(redis, { url: server.url, workload, contender }));
      }
      if (workload.eventsPerEntry === 1) statsd.push(await measureStatsdExporter(workload));
    }
  } finally {
    redis.disconnect();
    await server.stop();
  }
  const naive = results.get(NAIVE) ?? [];
  const perNaive = (rates: readonly number[]): number =>
    median(rates.map((rate, run) => rate / (naive[run]?.eventsPerSecond ?? Number.NaN)));
  for (const [{ name }, rows] of results) {
    const rates = rows.map(({ eventsPerSecond }) => eventsPerSecond);
    const cpu = median(rows.map(({ nodeMicros }) => nodeMicros)).toFixed(2);
    const redisCpu = median(rows.map(({ redisMicros }) => redisMicros)).toFixed(2);
    printRow([name, workload.name, showRate(rates), perNaive(rates).toFixed(2), cpu, redisCpu]);
  }
  if (statsd.length === 0) return;
  const rates = statsd.map(({ perSecond }) => perSecond);
  const cpu = median(statsd.map(({ cpuMicros }) => cpuMicros)).toFixed(2);
  printRow(['statsd_exporter', 'lines over TCP', showRate(rates), perNaive(rates).toFixed(2), cpu, '–']);
}

function showRate(rates: readonly number[]): string {
  return Math.round(median(rates)).toLocaleString('en');
}

function printRow(cells: readonly string[]): void {
  console.log(`| ${cells.join(' | ')} |`);
}
