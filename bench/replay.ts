import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { archiveShard, openArchive, trimStream } from '@streamfold/archive';
import { startPrivateRedis } from '@streamfold/private-servers';
import { Redis } from 'ioredis';
import { launchContender } from './contender/contender-process.ts';
import { median } from './median.ts';
import type { Measurements } from './summary/measurements.ts';
import { fillStream } from './workload/fill-stream.ts';
import type { Workload } from './workload/generate-workload.ts';

const STREAM = 'streamfold:{0}:events';
/** Events of the large log, which shows how memory grows; `REPLAY_EVENTS=10000000` makes it ten times as large. */
const EVENTS = Number(process.env['REPLAY_EVENTS'] ?? 1_000_000);

const LONG_LOG: Workload = { name: 'flat entries', events: EVENTS, eventsPerEntry: 1, series: 1_500 };
const WORKLOADS: readonly Workload[] = [
  { name: 'flat entries', events: EVENTS / 4, eventsPerEntry: 1, series: 1_500 },
  LONG_LOG,
  { name: '50 events an entry', events: EVENTS, eventsPerEntry: 50, series: 1_500 },
];

interface Reading {
  readonly name: string;
  readonly mode: 'xrange' | 'log' | 'fold';
  readonly from: 'stream' | 'archive';
}

const READINGS: readonly Reading[] = [
  { name: 'XRANGE and JSON.parse alone', mode: 'xrange', from: 'stream' },
  { name: 'log, from the stream', mode: 'log', from: 'stream' },
  { name: 'log, from the stream, and fold', mode: 'fold', from: 'stream' },
  { name: 'log, from the archive', mode: 'log', from: 'archive' },
  { name: 'log, from the archive, and fold', mode: 'fold', from: 'archive' },
];

/** Prints how fast a log is read and folded from the stream and from an archive, and the memory used. */
export async function benchReplay(runs: number, measurements: Measurements): Promise<void> {
  console.log(`\n### Replaying (median of ${runs})\n`);
  console.log(
    '| log | events | reading | events/s | × XRANGE alone | peak memory, MiB |\n|---|---|---|---|---|---|',
  );
  for (const workload of WORKLOADS) {
    const rates = await benchWorkload(workload, runs);
    if (workload === LONG_LOG) recordRates(rates, measurements);
  }
}

/** A replay is compared with live folding, if that was measured. */
function recordRates(rates: ReadonlyMap<Reading, number>, { record, read }: Measurements): void {
  const live = read('liveEventsPerSecond') ?? Number.NaN;
  for (const [{ mode, from }, rate] of rates) {
    if (mode === 'fold') record(from === 'stream' ? 'replayStream' : 'replayArchive', rate / live);
  }
}

async function benchWorkload(workload: Workload, runs: number): Promise<ReadonlyMap<Reading, number>> {
  const server = await startPrivateRedis();
  const redis = new Redis(server.url);
  const directory = await mkdtemp(join(tmpdir(), 'streamfold-bench-'));
  const archived = async (): Promise<void> => archiveAll(redis, workload, directory);
  try {
    console.error(`replay: ${workload.name}: filling the stream`);
    await fillStream(server.url, STREAM, workload);
    const rates = new Map<Reading, number>();
    for (const reading of READINGS) {
      if (reading.from === 'archive' && (await redis.xlen(STREAM)) > 0) await archived();
      const results: { elapsedMs: number; peakBytes: number }[] = [];
      for (let run = 1; run <= runs; run++) {
        console.error(`replay: ${workload.name}: ${reading.name}: run ${run} of ${runs}`);
        results.push(await measure(server.url, workload, { reading, directory }));
      }
      const rate = (workload.events * 1_000) / median(results.map(({ elapsedMs }) => elapsedMs));
      rates.set(reading, rate);
      const alone = rates.get(READINGS[0] ?? reading) ?? Number.NaN;
      const mebibytes = Math.max(...results.map(({ peakBytes }) => peakBytes)) / 2 ** 20;
      const events = workload.events.toLocaleString('en');
      const shown = Math.round(rate).toLocaleString('en');
      console.log(
        `| ${[workload.name, events, reading.name, shown, (rate / alone).toFixed(2), Math.round(mebibytes)].join(' | ')} |`,
      );
    }
    return rates;
  } finally {
    redis.disconnect();
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Archives the whole stream, as is possible once a generation has folded it, and trims it. */
async function archiveAll(redis: Redis, { name }: Workload, directory: string): Promise<void> {
  await redis.xgroup('CREATE', STREAM, 'streamfold:1-bench', '$');
  const archive = await openArchive(directory);
  const startedMs = performance.now();
  const options = { prefix: 'streamfold', shard: 0, shards: 1, archive, settleMs: 0 };
  const entries = await archiveShard(redis, options);
  const perSecond = Math.round((entries * 1_000) / (performance.now() - startedMs));
  console.error(`replay: ${name}: archived ${entries} entries, ${perSecond} a second`);
  await trimStream(redis, { prefix: 'streamfold', shard: 0, retentionMs: 0, onlyArchived: true });
}

async function measure(
  url: string,
  { events, eventsPerEntry }: Workload,
  { reading, directory }: { reading: Reading; directory: string },
): Promise<{ elapsedMs: number; peakBytes: number }> {
  const args = [url, reading.mode, reading.from === 'archive' ? directory : ''];
  const contender = await launchContender('replay', args);
  try {
    contender.start();
    const done = await contender.told('done');
    const expected = Math.ceil(events / eventsPerEntry);
    if (done['entries'] !== expected) {
      throw new Error(`${reading.name}: entries: expected ${expected}, got ${String(done['entries'])}`);
    }
    return { elapsedMs: Number(done['elapsedMs']), peakBytes: Number(done['peakBytes']) };
  } finally {
    await contender.kill();
  }
}
