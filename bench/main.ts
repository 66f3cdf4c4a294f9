import { drain, type Contender, type DrainResult } from './drain.ts';
import type { Workload } from './workload/generate-workload.ts';
import { benchCoordination } from './coordination.ts';
import { benchScrape } from './scrape.ts';

/** Runs of each contender; the median is told. They take turns, so that a drifting machine is fair to all. */
const RUNS = Number(process.env['RUNS'] ?? 5);

const WORKLOADS: readonly Workload[] = [
  { name: 'flat entries, 1,500 series', events: 300_000, eventsPerEntry: 1, series: 1_500 },
  { name: '50 events an entry, 1,500 series', events: 1_500_000, eventsPerEntry: 50, series: 1_500 },
  { name: 'flat entries, 100,000 series', events: 300_000, eventsPerEntry: 1, series: 100_000 },
];

const NAIVE: Contender = { name: 'naive (N)', program: 'naive', args: [], processes: 1 };
const CONTENDERS: readonly Contender[] = [
  NAIVE,
  { name: 'reads and XACK only', program: 'floor', args: [], processes: 1 },
  { name: 'streamfold, folding only', program: 'streamfold', args: ['fold'], processes: 1 },
  { name: 'streamfold', program: 'streamfold', args: ['all'], processes: 1 },
  { name: 'streamfold, two aggregators', program: 'streamfold', args: ['all'], processes: 2 },
];

async function benchDrain(): Promise<void> {
  for (const workload of WORKLOADS) {
    const results = new Map<Contender, DrainResult[]>(CONTENDERS.map((contender) => [contender, []]));
    for (let run = 0; run < RUNS; run++) {
      for (const contender of CONTENDERS) results.get(contender)?.push(await drain(workload, contender));
    }
    const naive = median((results.get(NAIVE) ?? []).map((result) => result.eventsPerSecond));
    console.log(
      `\n### Draining: ${workload.name} (${workload.events.toLocaleString('en')} events, median of ${RUNS})\n`,
    );
    console.log('| contender | events/s | × N | Node µs/event | Redis µs/event | longest command, ms |');
    console.log('|---|---|---|---|---|---|');
    for (const [{ name }, runs] of results) {
      const rate = median(runs.map((result) => result.eventsPerSecond));
      const node = median(runs.map((result) => result.nodeMicros)).toFixed(2);
      const redis = median(runs.map((result) => result.redisMicros)).toFixed(2);
      const stall = median(runs.map((result) => result.longestStallMs));
      const shown = Math.round(rate).toLocaleString('en');
      console.log(`| ${name} | ${shown} | ${(rate / naive).toFixed(2)} | ${node} | ${redis} | ${stall} |`);
    }
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

const [, , which = 'all'] = process.argv;
if (which === 'drain' || which === 'all') await benchDrain();
if (which === 'scrape' || which === 'all') await benchScrape();
if (which === 'coordination' || which === 'all') await benchCoordination(RUNS);
