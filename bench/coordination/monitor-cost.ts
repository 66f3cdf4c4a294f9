import { callFunction, stepMonitor } from '@streamfold/coordination';
import { startPrivateRedis } from '@streamfold/private-servers';
import { Redis } from 'ioredis';
import { median } from '../median.ts';

const LIVING = [10, 1_000, 100_000] as const;
/** Coordinators overdue in one step: none, some, and the most that an aggregator moves at once. */
const OVERDUE = [0, 20, 200] as const;
const STEPS = 200;
const FILL_AT_ONCE = 1_000;
const DAY_MS = 86_400_000;
const EVENTS = 'streamfold:{0}:events';

/** Prints the cost of one monitor step in Redis, by the numbers of live and of overdue coordinators. */
export async function benchMonitor(runs: number): Promise<void> {
  console.log(`\n### Coordination: one step of a monitor, µs of Redis (median of ${runs * STEPS} steps)\n`);
  console.log(
    `| living | ${OVERDUE.map((overdue) => `${overdue} overdue`).join(' | ')} | µs for each overdue |`,
  );
  console.log('|---|---|---|---|---|');
  for (const living of LIVING) {
    const server = await startPrivateRedis({ extraArgs: ['--slowlog-max-len', '1'] });
    const redis = new Redis(server.url);
    try {
      await fill(redis, living);
      const costs: number[] = [];
      for (const overdue of OVERDUE) {
        console.error(`coordination: a step with ${living} living, ${overdue} overdue`);
        const micros: number[] = [];
        for (let step = 0; step < runs * STEPS; step++) micros.push(await measureStep(redis, overdue));
        costs.push(median(micros));
      }
      const each = ((costs.at(-1) ?? NaN) - (costs[0] ?? NaN)) / (OVERDUE.at(-1) ?? NaN);
      const shown = costs.map((micros) => micros.toFixed(0)).join(' | ');
      console.log(`| ${living.toLocaleString('en')} | ${shown} | ${each.toFixed(1)} |`);
    } finally {
      redis.disconnect();
      await server.stop();
    }
  }
}

async function fill(redis: Redis, living: number): Promise<void> {
  for (let from = 0; from < living; from += FILL_AT_ONCE) {
    const ids = Array.from({ length: Math.min(FILL_AT_ONCE, living - from) }, (_, at) => `c${from + at}`);
    await startAll(redis, ids, [DAY_MS, 2 * DAY_MS]);
    await Promise.all(ids.map((id) => callFunction(redis, 'beat', [EVENTS, 'bench', id, '1', ''])));
  }
}

async function startAll(
  redis: Redis,
  ids: readonly string[],
  [staleAfterMs, deadAfterMs]: readonly [number, number],
): Promise<void> {
  await Promise.all(
    ids.map((id) =>
      callFunction(redis, 'start-coordinator', [EVENTS, 'bench', id, '', staleAfterMs, deadAfterMs]),
    ),
  );
}

/** Duration of one step as Redis reports it, microseconds; `overdue` coordinators become stale in it. */
async function measureStep(redis: Redis, overdue: number): Promise<number> {
  const ids = Array.from({ length: overdue }, (_, at) => `overdue${at}`);
  await startAll(redis, ids, [1, DAY_MS]);
  const settings = { limit: OVERDUE.at(-1) ?? 0, outageMs: DAY_MS, graceMs: 0 };
  for (let due = 0; due < overdue;) {
    due = await redis.zcount('streamfold:{0}:heartbeats', '-inf', await readClockMs(redis));
  }
  await redis.config('RESETSTAT');
  const { stale } = await stepMonitor(redis, { prefix: 'streamfold', shard: 0 }, settings);
  if (stale !== overdue) throw new Error(`expected ${overdue} to become stale; got ${stale}`);
  const stats = await redis.info('commandstats');
  return Number(/^cmdstat_fcall:calls=1,usec=(\d+)/m.exec(stats)?.[1] ?? NaN);
}

async function readClockMs(redis: Redis): Promise<number> {
  const [seconds = 0, micros = 0] = await redis.time();
  return seconds * 1_000 + Math.floor(micros / 1_000);
}
