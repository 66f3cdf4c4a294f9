import { ensureLibrary } from '@streamfold/coordination';
import { createFold, noUpcasters } from '@streamfold/core';
import { agreeOnShardCount, whenReady, type RedisConnection } from '@streamfold/redis';
import type { CommitBounds } from './commit/fold-entries.ts';
import { createConnections, type Connections } from './connections.ts';
import { createConsumer } from './consumer.ts';
import { createGroup } from './create-group.ts';
import type { Fact, Observe } from './fact.ts';
import { openGeneration, type Generation } from './generation.ts';
import { createApp } from './http/create-app.ts';
import { readHealth } from './http/read-health.ts';
import { readUnreadiness } from './http/read-unreadiness.ts';
import { serveHttp } from './http/serve-http.ts';
import { MONITOR_EVERY_MS, monitorShard } from './monitor-shard.ts';
import { createProcessMetrics } from './process-metrics.ts';
import { repeat } from './repeat.ts';
import { retry, type Pause } from './retry.ts';
import { runGroup, type Actor } from './run-group.ts';
import { keepArchive, type Archiving } from './keep-archive.ts';
import { GONE_IDLE_MS, keepUp } from './keep-up.ts';
import { createShardView } from './view/shard-view.ts';
import { createSwarmMetrics, type SwarmMetrics } from './view/swarm-metrics.ts';

/** What an aggregator is told; nothing has a default here but what only tests have a reason to change. */
export interface AggregatorOptions {
  readonly redisUrl: string;
  readonly prefix: string;
  readonly shards: number;
  readonly host: string;
  readonly port: number;
  /** Name of the consumer; must be this process's alone. Each of its readers adds a number of its own. */
  readonly consumer: string;
  readonly role: 'all' | 'fold' | 'serve';
  readonly claimIdleMs: number;
  readonly batchEntries: number;
  /** How long no coordinator, wait or ACK is overdue after an outage of the monitors or of Redis, ms. */
  readonly monitorGraceMs: number;
  /** After how long a consumer that was not seen, and has nothing pending, is removed from the group. */
  readonly goneIdleMs?: number;
  /** Archives and trims; by default it does neither. */
  readonly archiving?: Archiving | undefined;
  readonly version: string;
  readonly observe: Observe;
  /** Told once the HTTP endpoints can be reached. */
  readonly onListening: (url: string) => void;
  /** Monotonic clock, ms. */
  readonly now: () => number;
  readonly pause: Pause;
  readonly createId: () => string;
}

/** Readers per shard and process: while one waits for its commit, the other one reads. */
const CONSUMERS_PER_SHARD = 2;
/** A read waits this long for entries: it bounds how long a shutdown takes when nothing comes. */
const BLOCK_MS = 500;
/** A command without a reply for this long is given up; above the block and a long script. */
const COMMAND_TIMEOUT_MS = 10_000;
/** Redis is given up for a scrape or a health check after this time; Prometheus waits 10 s by default. */
const REQUEST_TIMEOUT_MS = 5_000;
/** The view follows the log this often also without scrapes, so that a scrape finds little left to read. */
const FOLLOW_MS = 1_000;
const UPKEEP_MS = 5_000;
const STOP_DEADLINE_MS = 15_000;
/** Bounds of a commit besides the number of entries: it then holds Redis for a few ms. */
const COMMIT_CHARACTERS = 2 * 1024 * 1024;
const COMMIT_SERIES = 10_000;
const COMMIT_DEAD_LETTERS = 500;

/**
 * Runs an aggregator: folds, and serves what all aggregators have folded, until `stop` is aborted. Then the batches in
 * hand are committed and all connections closed.
 *
 * @throws {ConfigurationError} where a setting does not fit what is in Redis, or the address is taken.
 */
export async function runAggregator(options: AggregatorOptions, stop: AbortSignal): Promise<void> {
  const { role, claimIdleMs, now, pause } = options;
  const { goneIdleMs = Math.max(GONE_IDLE_MS, claimIdleMs) } = options;
  const startedMs = now();
  const serves = role !== 'fold';
  const processMetrics = createProcessMetrics(options.version);
  const observe = (fact: Fact): void => {
    processMetrics.observe(fact);
    options.observe(fact);
  };
  const connections = createConnections(options.redisUrl, observe);
  const redis = connections.open('control', REQUEST_TIMEOUT_MS);
  let generations: readonly Generation[] = [];
  let swarmMetrics: SwarmMetrics | undefined;
  let viewFollows = false;

  const serve: Actor = async (stopping) => {
    const app = createApp({
      serves,
      readSwarmMetrics: () => swarmMetrics,
      processMetrics,
      readHealth: () =>
        readHealth(redis, generations, {
          uptimeSeconds: Math.round(now() - startedMs) / 1_000,
          version: options.version,
          viewFollows: !serves || viewFollows,
        }),
      readUnreadiness: () => readUnreadiness(redis, { generations, serves, swarmMetrics }),
      scrapeTimeoutMs: REQUEST_TIMEOUT_MS,
      now,
      onError: (error) => observe({ type: 'request_failed', error }),
    });
    const server = await serveHttp(app, options);
    options.onListening(server.url);
    await aborted(stopping);
    await server.stop();
  };

  const work: Actor = async (stopping) => {
    await retry({ step: 'open', observe, pause, stop: stopping }, async () => {
      await whenReady(redis, REQUEST_TIMEOUT_MS);
      generations = await openGenerations(redis, options);
    });
    if (stopping.aborted) return;
    const actors: Actor[] = [
      repeat({ redis, step: 'upkeep', everyMs: UPKEEP_MS, observe, pause }, async () => {
        const { measured } = processMetrics;
        for (const generation of generations)
          await keepUp(redis, generation, { goneIdleMs, observe, measured });
      }),
    ];
    const monitorRedis = connections.open('monitor', REQUEST_TIMEOUT_MS);
    let libraryEnsured = false;
    actors.push(
      repeat(
        { redis: monitorRedis, step: 'monitor', everyMs: MONITOR_EVERY_MS, observe, pause },
        async () => {
          const { prefix, monitorGraceMs: graceMs } = options;
          if (!libraryEnsured) await ensureLibrary(monitorRedis);
          libraryEnsured = true;
          for (const { shard } of generations)
            await monitorShard(monitorRedis, { prefix, shard }, { observe, graceMs });
        },
      ),
    );
    if (options.archiving !== undefined) {
      const { archiving, prefix, shards, consumer: holder } = options;
      const archiveRedis = connections.open('archive', COMMAND_TIMEOUT_MS);
      const context = { redis: archiveRedis, prefix, shards, holder, observe, pause };
      actors.push(keepArchive(archiving, context));
    }
    if (role !== 'serve') actors.push(...consumerActors(generations, { connections, observe }, options));
    if (serves) {
      const viewRedis = connections.open('view', REQUEST_TIMEOUT_MS);
      const { createId } = options;
      swarmMetrics = createSwarmMetrics((listener) =>
        generations.map((generation) =>
          createShardView({ redis: viewRedis, generation, listener, observe, createId }),
        ),
      );
      const metrics = swarmMetrics;
      actors.push(
        repeat({ redis: viewRedis, step: 'view', everyMs: FOLLOW_MS, observe, pause }, async () => {
          let follows = false;
          try {
            await metrics.follow();
            follows = true;
          } finally {
            viewFollows = follows;
          }
        }),
      );
    }
    await runGroup(actors, stopping, STOP_DEADLINE_MS);
  };

  try {
    await runGroup([serve, work], stop, STOP_DEADLINE_MS);
  } finally {
    await connections.close();
  }
}

async function openGenerations(
  redis: RedisConnection,
  { prefix, shards }: AggregatorOptions,
): Promise<readonly Generation[]> {
  await agreeOnShardCount(redis, prefix, shards);
  const generations: Generation[] = [];
  for (let shard = 0; shard < shards; shard++) {
    const generation = await openGeneration(redis, prefix, shard);
    await createGroup(redis, generation);
    generations.push(generation);
  }
  return generations;
}

function consumerActors(
  generations: readonly Generation[],
  { connections, observe }: { readonly connections: Connections; readonly observe: Observe },
  options: AggregatorOptions,
): Actor[] {
  const { prefix, shards, claimIdleMs, batchEntries, now, pause } = options;
  const bounds: CommitBounds = {
    entries: batchEntries,
    characters: COMMIT_CHARACTERS,
    series: COMMIT_SERIES,
    deadLetters: COMMIT_DEAD_LETTERS,
  };
  const foldEvent = createFold();
  return generations.flatMap((generation) => {
    const redis = connections.open(`fold-${generation.shard}`, COMMAND_TIMEOUT_MS);
    return Array.from({ length: CONSUMERS_PER_SHARD }, (_, reader) => {
      const { shard } = generation;
      const consumer = createConsumer({
        readRedis: connections.open(`read-${shard}-${reader}`, COMMAND_TIMEOUT_MS),
        redis,
        generation,
        recordAgain: async () => {
          await agreeOnShardCount(redis, prefix, shards);
          await openGeneration(redis, prefix, shard);
        },
        consumer: `${options.consumer}:${reader}`,
        fold: { context: { shard, shards, upcasters: noUpcasters }, foldEvent, bounds },
        blockMs: BLOCK_MS,
        claimIdleMs,
        observe,
        now,
        pause,
      });
      return (stopping: AbortSignal) => consumer.run(stopping);
    });
  });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
