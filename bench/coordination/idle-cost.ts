import { joinSwarm, type Coordinator } from '@streamfold/coordination';
import { startPrivateRedis } from '@streamfold/private-servers';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { readRedisCpuMs } from '../redis-cost.ts';

const COORDINATORS = 1_000;
const BEAT_MS = 5_000;
const SETTLE_MS = 2_000;
const MEASURE_MS = 20_000;

/** Prints the cost of coordinators in this process that only beat and listen. */
export async function benchIdle(): Promise<void> {
  console.error(`coordination: ${COORDINATORS} that only beat and listen`);
  const server = await startPrivateRedis();
  const redis = new Redis(server.url);
  const coordinators: Coordinator[] = [];
  try {
    const memoryBefore = process.memoryUsage.rss();
    const startedMs = performance.now();
    coordinators.push(...(await Promise.all(Array.from({ length: COORDINATORS }, join(server.url)))));
    const joinMs = performance.now() - startedMs;
    await pause(SETTLE_MS);
    const [redisBeforeMs, cpuBefore, measuredMs] = [
      await readRedisCpuMs(redis),
      process.cpuUsage(),
      performance.now(),
    ];
    await pause(MEASURE_MS);
    const elapsedMs = performance.now() - measuredMs;
    const { user, system } = process.cpuUsage(cpuBefore);
    const redisMs = (await readRedisCpuMs(redis)) - redisBeforeMs;
    const memory = (process.memoryUsage.rss() - memoryBefore) / COORDINATORS / 1_024;
    const share = (ms: number): string => `${((100 * ms) / elapsedMs).toFixed(1)} %`;
    console.log(
      `\n### Coordination: ${COORDINATORS.toLocaleString('en')} idle coordinators in one process\n`,
    );
    console.log('| all have joined after, ms | Redis, of a core | Node, of a core | Node, KiB each |');
    console.log('|---|---|---|---|');
    console.log(
      `| ${joinMs.toFixed(0)} | ${share(redisMs)} | ${share((user + system) / 1_000)} | ${memory.toFixed(0)} |`,
    );
  } finally {
    for (const coordinator of coordinators) coordinator.disconnect();
    redis.disconnect();
    await server.stop();
  }
}

function join(url: string): (_: unknown, at: number) => Promise<Coordinator> {
  return async (_, at) => {
    const coordinator = await joinSwarm({ url, swarmId: 'bench', coordinatorId: `c${at}` });
    await coordinator.startHeartbeat({ intervalMs: BEAT_MS }).beating;
    void listen(coordinator);
    return coordinator;
  };
}

async function listen(coordinator: Coordinator): Promise<void> {
  for await (const signal of coordinator.receiveSignals()) await coordinator.acknowledgeSignal(signal);
}
