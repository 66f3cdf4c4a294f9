import { setTimeout as sleep } from 'node:timers/promises';
import { swarmShard } from '@streamfold/core';
import { launchContender, type ContenderProcess } from './contender/contender-process.ts';
import { ONE } from './drain-backlog.ts';
import { median } from './median.ts';
import { readRedisCpuMs } from './redis-cost.ts';
import { startServers, type Servers } from './start-servers.ts';
import type { Measurements } from './summary/measurements.ts';
import { fillStream } from './workload/fill-stream.ts';
import { generateEvent, type Workload } from './workload/generate-workload.ts';

/** Folded before the clock starts: the process has compiled its code, and all connections are open. */
const WARM_EVENTS = 40_000;
const EVENTS = 100_000;
const SERIES = 1_500;
const SHARDS = [1, 6, 64] as const;
/** Of the Cluster; they and the aggregator share the machine, so only the CPU time per event can be compared. */
const PRIMARIES = 3;
const LOOK_EVERY_MS = 20;
const IDLE_MS = 10_000;
const MOST_SCRAPES = 100;
const SCRAPE_AGAIN_MS = 500;

type ShardCount = (typeof SHARDS)[number];

interface Cost {
  readonly nodeMicros: number;
  readonly redisMicros: number;
  readonly eventsPerSecond: number;
}

/** An aggregator that is warm, and stopped while it is not measured. */
interface Side {
  readonly servers: Servers;
  readonly aggregator: ContenderProcess;
  readonly costs: Cost[];
  /** Events in all shards together, by the turns in which they were appended. */
  readonly filled: number[];
}

interface Idle {
  readonly sockets: number;
  /** Shares of a core. */
  readonly idleNode: number;
  readonly idleRedis: number;
}

interface Row extends Idle {
  readonly shards: ShardCount;
  readonly where: 'one' | 'Cluster';
  readonly costs: readonly Cost[];
  /** Node CPU per event, to that of one Redis in the same turn. */
  readonly ratio: number;
}

/**
 * Prints what folding through a Cluster costs next to one Redis with the same shards, and what an idle aggregator costs. Both
 * aggregators live at the same time and take turns, since the speed of a busy machine drifts.
 */
export async function benchCluster(runs: number, { record }: Measurements): Promise<void> {
  const rows: Row[] = [];
  for (const shards of SHARDS) rows.push(...(await compare(shards, runs)));
  printTable(rows, runs);
  record('clusterNodeCpu', Math.max(...rows.map(({ ratio }) => ratio)));
  record('clusterSockets', rows.at(-1)?.sockets ?? Number.NaN);
}

async function compare(shards: ShardCount, runs: number): Promise<Row[]> {
  const sides: Side[] = [];
  try {
    for (const nodes of [1, PRIMARIES]) sides.push(await startSide(nodes, shards));
    for (let run = 1; run <= runs; run++) {
      console.error(`cluster: ${shards} shards: run ${run} of ${runs}`);
      for (const side of sides) side.costs.push(await measure(side, shards));
    }
    const rows: Row[] = [];
    for (const [at, side] of sides.entries()) {
      const ratio = median(
        side.costs.map(
          ({ nodeMicros }, run) => nodeMicros / (sides[0]?.costs[run]?.nodeMicros ?? Number.NaN),
        ),
      );
      side.aggregator.resume();
      const idle = await measureIdle(side);
      const { url } = await side.aggregator.told('listening');
      await checkResult(String(url), shards, side);
      side.aggregator.pause();
      rows.push({ shards, where: at === 0 ? 'one' : 'Cluster', costs: side.costs, ratio, ...idle });
    }
    return rows;
  } finally {
    for (const { aggregator, servers } of sides) {
      await aggregator.kill();
      await servers.stop();
    }
  }
}

async function startSide(nodes: number, shards: ShardCount): Promise<Side> {
  const servers = await startServers(nodes);
  const aggregator = await launchContender(ONE.program, [servers.url, ...ONE.args, String(shards)]);
  const side: Side = { servers, aggregator, costs: [], filled: [] };
  await fill(side, shards, WARM_EVENTS);
  aggregator.start();
  await aggregator.told('listening');
  await drained(servers, shards);
  aggregator.pause();
  return side;
}

function printTable(rows: readonly Row[], runs: number): void {
  console.log(`\n### A Cluster of ${PRIMARIES} primaries and one Redis (median of ${runs})\n`);
  console.log(
    '| shards | Redis | Node µs/event | × one Redis | Redis µs/event | events/s | sockets | idle aggregator, of a core | its Redis, of a core |',
  );
  console.log('|---|---|---|---|---|---|---|---|---|');
  for (const { shards, where, costs, ratio, sockets, idleNode, idleRedis } of rows) {
    const of = (field: keyof Cost): number => median(costs.map((cost) => cost[field]));
    const rate = Math.round(of('eventsPerSecond')).toLocaleString('en');
    const micros = [of('nodeMicros').toFixed(2), ratio.toFixed(2), of('redisMicros').toFixed(2)];
    const cells = [shards, where, ...micros, rate, sockets, percent(idleNode), percent(idleRedis)];
    console.log(`| ${cells.join(' | ')} |`);
  }
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

async function measure(side: Side, shards: ShardCount): Promise<Cost> {
  const { servers, aggregator } = side;
  await fill(side, shards, EVENTS);
  const nodeBeforeMs = aggregator.readCpuMs();
  const redisBeforeMs = await readAllCpuMs(servers);
  const startedMs = performance.now();
  aggregator.resume();
  await drained(servers, shards);
  const elapsedMs = performance.now() - startedMs;
  aggregator.pause();
  const nodeMs = aggregator.readCpuMs() - nodeBeforeMs;
  const redisMs = (await readAllCpuMs(servers)) - redisBeforeMs;
  return {
    nodeMicros: (nodeMs * 1_000) / EVENTS,
    redisMicros: (redisMs * 1_000) / EVENTS,
    eventsPerSecond: (EVENTS * 1_000) / elapsedMs,
  };
}

async function measureIdle({ servers, aggregator }: Side): Promise<Idle> {
  await sleep(IDLE_MS / 2); // a snapshot may still be written
  const lists = await Promise.all(servers.nodes.map(async (node) => String(await node.client('LIST'))));
  const sockets = lists.join('').match(/ name=streamfold-/g)?.length ?? 0;
  const nodeBeforeMs = aggregator.readCpuMs();
  const redisBeforeMs = await readAllCpuMs(servers);
  const startedMs = performance.now();
  await sleep(IDLE_MS);
  const elapsedMs = performance.now() - startedMs;
  return {
    sockets,
    idleNode: (aggregator.readCpuMs() - nodeBeforeMs) / elapsedMs,
    idleRedis: ((await readAllCpuMs(servers)) - redisBeforeMs) / elapsedMs,
  };
}

async function readAllCpuMs({ nodes }: Servers): Promise<number> {
  const costs = await Promise.all(nodes.map(readRedisCpuMs));
  return costs.reduce((sum, cost) => sum + cost, 0);
}

function streamOf(shard: number): string {
  return `streamfold:{${shard}}:events`;
}

/** What a shard gets of a number of events: of one swarm, whose shard it is. */
function shareOf(shards: number, events: number, shard = 0): Workload {
  let swarm = 0;
  while (swarmShard(`swarm-${swarm}`, shards) !== shard) swarm++;
  const common = { name: 'flat entries', eventsPerEntry: 1, series: SERIES };
  return { ...common, events: Math.floor(events / shards), swarmId: `swarm-${swarm}` };
}

async function fill({ servers, filled }: Side, shards: ShardCount, events: number): Promise<void> {
  filled.push(events);
  for (let shard = 0; shard < shards; shard++) {
    const { options } = await servers.findOwner(streamOf(shard));
    const url = `redis://127.0.0.1:${options.port}`;
    await fillStream(url, streamOf(shard), shareOf(shards, events, shard));
  }
}

/** Waits until every entry of every shard has been delivered and acknowledged. */
async function drained(servers: Servers, shards: ShardCount): Promise<void> {
  for (let shard = 0; shard < shards; shard++) {
    const stream = streamOf(shard);
    const owner = await servers.findOwner(stream);
    const [[lastId] = ['']] = await owner.xrevrange(stream, '+', '-', 'COUNT', 1);
    for (;;) {
      const [group = []] = (await owner.xinfo('GROUPS', stream).catch(() => [])) as (string | number)[][];
      const read = (name: string): string | number | undefined => group[group.indexOf(name) + 1];
      if (read('last-delivered-id') === lastId && read('pending') === 0) break;
      await sleep(LOOK_EVERY_MS);
    }
  }
}

/** @throws if the signals were not counted exactly once: a wrong result is not a fast one. */
async function checkResult(url: string, shards: ShardCount, { filled }: Side): Promise<void> {
  const text = await scrape(url);
  const samples = text.matchAll(/^signals_sent_total\{.*\} (\d+)/gm);
  const counted = [...samples].reduce((sum, [, value]) => sum + Number(value), 0);
  const expected = filled.reduce((sum, events) => sum + countSent(shareOf(shards, events)), 0);
  if (counted !== expected * shards)
    throw new Error(`${shards} shards: signals_sent_total: expected ${expected * shards}, got ${counted}`);
}

/** Its view may still be reading the log. */
async function scrape(url: string): Promise<string> {
  for (let tries = 0; tries < MOST_SCRAPES; tries++) {
    const response = await fetch(`${url}/prometheus/metrics`);
    const text = await response.text();
    if (response.ok) return text;
    await sleep(SCRAPE_AGAIN_MS);
  }
  throw new Error(`expected metrics at ${url} after ${MOST_SCRAPES} tries; got none`);
}

function countSent(workload: Workload): number {
  let sent = 0;
  for (let index = 0; index < workload.events; index++)
    if (generateEvent(index, workload)['type'] === 'signal.sent') sent++;
  return sent;
}
