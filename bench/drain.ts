import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { startPrivateRedis } from '@streamfold/private-servers';
import { Redis } from 'ioredis';
import { fillStream } from './workload/fill-stream.ts';
import type { Workload } from './workload/generate-workload.ts';

/** Who drains the backlog: a program in `contender/`, and the arguments it gets after the URL. */
export interface Contender {
  readonly name: string;
  readonly program: 'streamfold' | 'naive' | 'floor';
  readonly args: readonly string[];
  /** Processes at once. */
  readonly processes: number;
}

/** One run: how fast the backlog was drained, and what it cost. */
export interface DrainResult {
  readonly eventsPerSecond: number;
  /** CPU time per event, microseconds, of all contender processes and of Redis. */
  readonly nodeMicros: number;
  readonly redisMicros: number;
  /** Longest time that one command held Redis, ms. */
  readonly longestStallMs: number;
}

const STREAM = 'streamfold:{0}:events';
/** The clock starts when the contender is connected, and is read this often. */
const POLL_MS = 5;

/** Fills a fresh private Redis with the workload, lets the contender drain it, and measures that. */
export async function drain(workload: Workload, contender: Contender): Promise<DrainResult> {
  const server = await startPrivateRedis();
  const redis = new Redis(server.url);
  const children: ChildProcess[] = [];
  try {
    await fillStream(server.url, STREAM, workload);
    await redis.config('SET', 'latency-monitor-threshold', '1');
    await redis.call('LATENCY', 'RESET');
    for (let n = 0; n < contender.processes; n++) {
      const program = new URL(`./contender/${contender.program}.js`, import.meta.url);
      const child = fork(program, [server.url, ...contender.args], {
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      });
      children.push(child);
      await once(child, 'message');
    }
    const nodeBefore = sum(children.map(readCpuMs));
    const redisBefore = await readRedisCpuMs(redis);
    const startedMs = performance.now();
    await drained(redis);
    const elapsedMs = performance.now() - startedMs;
    const nodeMs = sum(children.map(readCpuMs)) - nodeBefore;
    const redisMs = (await readRedisCpuMs(redis)) - redisBefore;
    return {
      eventsPerSecond: (workload.events * 1_000) / elapsedMs,
      nodeMicros: (nodeMs * 1_000) / workload.events,
      redisMicros: (redisMs * 1_000) / workload.events,
      longestStallMs: await readLongestStallMs(redis),
    };
  } finally {
    for (const child of children) child.kill('SIGKILL');
    redis.disconnect();
    await server.stop();
  }
}

/** Waits until every entry was delivered and acknowledged. */
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

/** User and system time of a process, ms; NaN where the system does not tell (it is Linux that does). */
function readCpuMs(child: ChildProcess): number {
  try {
    const fields =
      readFileSync(`/proc/${child.pid ?? 0}/stat`, 'utf8')
        .split(') ')[1]
        ?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return Number.NaN;
  }
}

async function readRedisCpuMs(redis: Redis): Promise<number> {
  const info = await redis.info('cpu');
  const read = (name: string): number =>
    Number(new RegExp(`${name}:([\\d.]+)`).exec(info)?.[1] ?? Number.NaN);
  return (read('used_cpu_user') + read('used_cpu_sys')) * 1_000;
}

async function readLongestStallMs(redis: Redis): Promise<number> {
  const events = (await redis.call('LATENCY', 'LATEST')) as [string, number, number, number][];
  return Math.max(0, ...events.filter(([name]) => name === 'command').map(([, , , longest]) => longest));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
