import { startPrivateRedis } from '@streamfold/private-servers';
import { Redis } from 'ioredis';
import { median, percentile } from '../median.ts';
import { readRedisCpuMs } from '../redis-cost.ts';
import { BARE, CONTENDERS, type Contender } from './round-trip.ts';

/** Round trips before the measurement, one after the other, and many at once. */
const WARM_UP = 1_000;
const ALONE = 2_000;
const TOGETHER = 20_000;
const AT_ONCE = 100;

interface SignalCost {
  /** Duration of one round trip while nothing else happens, us. */
  readonly p50Micros: number;
  readonly p99Micros: number;
  /** With AT_ONCE round trips in progress. */
  readonly perSecond: number;
  readonly redisMicros: number;
  readonly commands: number;
}

/** Prints the cost of a signal, its ACK and the wait for it. The contenders take turns, `runs` times. */
export async function benchSignals(runs: number): Promise<void> {
  const results = new Map(CONTENDERS.map((contender) => [contender, [] as SignalCost[]]));
  for (let run = 1; run <= runs; run++) {
    for (const contender of CONTENDERS) {
      console.error(`coordination: run ${run} of ${runs}: ${contender.name}`);
      results.get(contender)?.push(await measure(contender));
    }
  }
  console.log(`\n### Coordination: signal, ACK and the wait for it (median of ${runs})\n`);
  console.log(
    '| contender | p50, µs | added, µs | × bare | p99, µs | together, /s | commands | Redis µs | × bare | /s per Redis core |',
  );
  console.log('|---|---|---|---|---|---|---|---|---|---|');
  const bare = results.get(BARE) ?? [];
  for (const [{ name }, rows] of results) {
    const of = (read: (row: SignalCost, floor: SignalCost) => number): number =>
      median(rows.flatMap((row, turn) => (bare[turn] ? [read(row, bare[turn])] : [])));
    const redisMicros = of((row) => row.redisMicros);
    const cells = [
      of((row) => row.p50Micros).toFixed(0),
      of((row, floor) => row.p50Micros - floor.p50Micros).toFixed(0),
      of((row, floor) => row.p50Micros / floor.p50Micros).toFixed(2),
      of((row) => row.p99Micros).toFixed(0),
      Math.round(of((row) => row.perSecond)).toLocaleString('en'),
      of((row) => row.commands).toFixed(1),
      redisMicros.toFixed(0),
      of((row, floor) => row.redisMicros / floor.redisMicros).toFixed(2),
      Math.round(1_000_000 / redisMicros).toLocaleString('en'),
    ];
    console.log(`| ${name} | ${cells.join(' | ')} |`);
  }
}

async function measure(contender: Contender): Promise<SignalCost> {
  const server = await startPrivateRedis();
  const redis = new Redis(server.url);
  try {
    const sides = await contender.open(server.url);
    await runTogether(sides.roundTrip, WARM_UP);
    const micros: number[] = [];
    for (let trip = 0; trip < ALONE; trip++) {
      const startedMs = performance.now();
      await sides.roundTrip();
      micros.push((performance.now() - startedMs) * 1_000);
    }
    const before = { cpuMs: await readRedisCpuMs(redis), commands: await countCommands(redis) };
    const startedMs = performance.now();
    await runTogether(sides.roundTrip, TOGETHER);
    const elapsedMs = performance.now() - startedMs;
    const redisMs = (await readRedisCpuMs(redis)) - before.cpuMs;
    const commands = (await countCommands(redis)) - before.commands;
    sides.stop();
    return {
      p50Micros: median(micros),
      p99Micros: percentile(micros, 0.99),
      perSecond: (TOGETHER * 1_000) / elapsedMs,
      redisMicros: (redisMs * 1_000) / TOGETHER,
      commands: commands / TOGETHER,
    };
  } finally {
    redis.disconnect();
    await server.stop();
  }
}

async function runTogether(roundTrip: () => Promise<void>, trips: number): Promise<void> {
  let left = trips;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (left-- > 0) await roundTrip();
    }),
  );
}

/** Commands that clients sent; those inside a function are not counted by Redis here. */
async function countCommands(redis: Redis): Promise<number> {
  const stats = await redis.info('commandstats');
  const sent = /^cmdstat_(?:fcall|xadd|get|xread|xreadgroup):calls=(\d+)/gm;
  const hasFunctions = stats.includes('cmdstat_fcall:');
  let commands = 0;
  for (const [line, calls] of stats.matchAll(sent)) {
    if (!(hasFunctions && line.startsWith('cmdstat_xadd'))) commands += Number(calls);
  }
  return commands;
}
