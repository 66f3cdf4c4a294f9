import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { launchContender, type ContenderProcess } from './contender/contender-process.ts';
import { launchPeer } from './peers/launch-peer.ts';
import { readFolded } from './read-folded.ts';
import { readP99Ms, readRedisCpuMs } from './redis-cost.ts';
import { generateEvent, type Workload } from './workload/generate-workload.ts';

/** A contender that drains the backlog: a program in `contender/`, or the Go consumer, and its arguments after the URL. */
export interface Contender {
  readonly name: string;
  readonly program: 'streamfold' | 'naive' | 'floor' | 'go';
  readonly args: readonly string[];
  /** Processes at once. */
  readonly processes: number;
}

/** The result of one run: the rate at which the backlog was drained, and the cost. */
export interface DrainResult {
  readonly eventsPerSecond: number;
  /** CPU time per event, microseconds, of all contender processes and of Redis. */
  readonly nodeMicros: number;
  readonly redisMicros: number;
  /** How long a read and a commit occupied Redis, 99th percentile, ms. */
  readonly readP99Ms: number;
  readonly commitP99Ms: number;
}

export const NAIVE: Contender = { name: 'naive (N)', program: 'naive', args: [], processes: 1 };
export const FOLD_ONLY: Contender = {
  name: 'streamfold, folding only',
  program: 'streamfold',
  args: ['fold'],
  processes: 1,
};
export const ONE: Contender = { name: 'streamfold', program: 'streamfold', args: ['all'], processes: 1 };

export const STREAM = 'streamfold:{0}:events';
/** Interval between checks whether the backlog is drained. */
const POLL_MS = 5;

/** Leaves only the stream in Redis, as if nobody had ever read it. */
export async function forgetConsumers(redis: Redis): Promise<void> {
  for (const key of await redis.keys('*')) if (key !== STREAM) await redis.del(key);
  for (const group of (await redis.xinfo('GROUPS', STREAM)) as string[][]) {
    await redis.xgroup('DESTROY', STREAM, group[1] ?? '');
  }
  await redis.config('RESETSTAT');
}

/** Lets a contender drain the stream, and checks its result. */
export async function drain(
  redis: Redis,
  { url, workload, contender }: { url: string; workload: Workload; contender: Contender },
): Promise<DrainResult> {
  const processes: ContenderProcess[] = [];
  try {
    for (let n = 0; n < contender.processes; n++) processes.push(await launch(contender, url));
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
export async function drained(redis: Redis): Promise<void> {
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
    if (contender.program !== 'floor') expect('events', workload.events, done?.['events']);
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

async function launch({ program, args }: Contender, url: string): Promise<ContenderProcess> {
  return program === 'go' ? launchPeer('consumer', [url, ...args]) : launchContender(program, [url, ...args]);
}
