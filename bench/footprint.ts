import { setTimeout as pause } from 'node:timers/promises';
import { startPrivateRedis } from '@streamfold/private-servers';
import { Redis } from 'ioredis';
import { launchContender } from './contender/contender-process.ts';
import { drained, ONE, STREAM } from './drain-backlog.ts';
import { median } from './median.ts';
import { readRedisCpuMs } from './redis-cost.ts';
import type { Measurements } from './summary/measurements.ts';
import { fillStream } from './workload/fill-stream.ts';
import type { Workload } from './workload/generate-workload.ts';

const LOG: Workload = { name: 'flat entries', events: 300_000, eventsPerEntry: 1, series: 1_500 };
/** An aggregator may still write a snapshot after the last entry. */
const SETTLE_MS = 5_000;
const IDLE_MS = 15_000;
const MILLION = 1e6;
const MEBIBYTE = 2 ** 20;

interface Footprint {
  /** Memory of all delta records ever appended, by those that are still there, bytes per million events. */
  readonly deltaLogBytes: number;
  /** Shares of a core that an aggregator and its Redis take if nothing happens. */
  readonly nodeShare: number;
  readonly redisShare: number;
}

/** Prints what the delta log takes in Redis, and what an aggregator costs that has nothing to do. */
export async function benchFootprint(runs: number, { record }: Measurements): Promise<void> {
  const results: Footprint[] = [];
  for (let run = 1; run <= runs; run++) {
    console.error(`footprint: run ${run} of ${runs}`);
    results.push(await measureOnce());
  }
  const of = (field: keyof Footprint): number => median(results.map((result) => result[field]));
  console.log(`\n### Footprint (median of ${runs})\n`);
  console.log('| delta log, MiB per million events | idle aggregator, of a core | its Redis, of a core |');
  console.log('|---|---|---|');
  const mebibytes = of('deltaLogBytes') / MEBIBYTE;
  console.log(
    `| ${[mebibytes.toFixed(2), percent(of('nodeShare')), percent(of('redisShare'))].join(' | ')} |`,
  );
  record('deltaLogMemory', mebibytes);
  record('idleCpu', of('nodeShare') * 100);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}

async function measureOnce(): Promise<Footprint> {
  const server = await startPrivateRedis();
  const redis = new Redis(server.url);
  const aggregator = await launchContender(ONE.program, [server.url, ...ONE.args]);
  try {
    await fillStream(server.url, STREAM, LOG);
    aggregator.start();
    await aggregator.told('listening');
    await drained(redis);
    await pause(SETTLE_MS);
    const deltaLogBytes = await measureDeltaLog(redis);
    const redisBeforeMs = await readRedisCpuMs(redis);
    const nodeBeforeMs = aggregator.readCpuMs();
    const startedMs = performance.now();
    await pause(IDLE_MS);
    const elapsedMs = performance.now() - startedMs;
    return {
      deltaLogBytes,
      nodeShare: (aggregator.readCpuMs() - nodeBeforeMs) / elapsedMs,
      redisShare: ((await readRedisCpuMs(redis)) - redisBeforeMs) / elapsedMs,
    };
  } finally {
    await aggregator.kill();
    redis.disconnect();
    await server.stop();
  }
}

async function measureDeltaLog(redis: Redis): Promise<number> {
  const [key = ''] = await redis.keys('streamfold:{0}:g:*:deltas');
  const info = (await redis.call('XINFO', 'STREAM', key)) as (string | number)[];
  const field = (name: string): number => Number(info[info.indexOf(name) + 1]);
  const bytes = Number(await redis.call('MEMORY', 'USAGE', key, 'SAMPLES', '0'));
  return (bytes / field('length')) * field('entries-added') * (MILLION / LOG.events);
}
