import { createFold, noUpcasters } from '@streamfold/core';
import { agreeOnShardCount, connectRedis, isReady, whenReady, type RedisConnection } from '@streamfold/redis';
import type { CommitBounds } from './commit/fold-batch.ts';
import { createConsumer } from './consumer.ts';
import { countTrimmed } from './count-trimmed.ts';
import { createGroup } from './create-group.ts';
import type { Fact, FailingStep, Observe } from './fact.ts';
import { openGeneration, type Generation } from './generation.ts';
import { createApp } from './http/create-app.ts';
import { readHealth } from './http/read-health.ts';
import { serveHttp } from './http/serve-http.ts';
import { measureLag } from './measure-lag.ts';
import { createProcessMetrics, type ProcessMetrics } from './process-metrics.ts';
import { removeGoneConsumers } from './remove-consumers.ts';
import { retry, type Pause } from './retry.ts';
import { runGroup, type Actor } from './run-group.ts';
import { createShardView } from './view/shard-view.ts';
import { createSwarmMetrics, type SwarmMetrics } from './view/swarm-metrics.ts';

/** What an aggregator is told; all of it, nothing has a default here. */
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
/** A consumer that reads is seen every half second; one that was not for this long is gone. */
const GONE_IDLE_MS = 60_000;
const STOP_DEADLINE_MS = 15_000;
/** Bounds of a commit besides the number of entries: it then holds Redis for a few ms. */
const COMMIT_CHARACTERS = 2 * 1024 * 1024;
const COMMIT_SERIES = 10_000;

/**
 * Runs an aggregator: folds, and serves what all aggregators have folded, until `stop` is aborted. Then the batches in
 * hand are committed and all connections closed.
 *
 * @throws {ConfigurationError} where a setting does not fit what is in Redis, or the address is taken.
 */
export async function runAggregator(options: AggregatorOptions, stop: AbortSignal): Promise<void> {
  const { role, now, pause } = options;
  const startedMs = now();
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
      serves: role !== 'fold',
      readSwarmMetrics: () => swarmMetrics,
      processMetrics,
      readHealth: () =>
        readHealth(redis, generations, {
          uptimeSeconds: Math.round(now() - startedMs) / 1_000,
          version: options.version,
          viewFollows: role === 'fold' || viewFollows,
        }),
      readUnreadiness: () => readUnreadiness(redis, { generations, role, swarmMetrics }),
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
    const actors: Actor[] = [upkeepActor({ redis, generations, processMetrics, observe, pause })];
    if (role !== 'serve') actors.push(...consumerActors(generations, connections, options, observe));
    if (role !== 'fold') {
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
          viewFollows = false;
          await metrics.follow();
          viewFollows = true;
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
  connections: Connections,
  options: AggregatorOptions,
  observe: Observe,
): Actor[] {
  const { shards, claimIdleMs, batchEntries, now, pause } = options;
  const bounds: CommitBounds = {
    entries: batchEntries,
    characters: COMMIT_CHARACTERS,
    series: COMMIT_SERIES,
  };
  const foldEvent = createFold();
  return generations.flatMap((generation) =>
    Array.from({ length: CONSUMERS_PER_SHARD }, (_, reader) => {
      const { shard } = generation;
      const consumer = createConsumer({
        redis: connections.open(`fold-${shard}-${reader}`, COMMAND_TIMEOUT_MS),
        generation,
        consumer: `${options.consumer}:${reader}`,
        fold: { context: { shard, shards, upcasters: noUpcasters }, foldEvent, bounds },
        blockMs: BLOCK_MS,
        claimIdleMs,
        observe,
        now,
        pause,
      });
      return (stopping: AbortSignal) => consumer.run(stopping);
    }),
  );
}

/** Measures the lag for `/metrics`, counts what was trimmed unread, and removes consumers that are gone. */
function upkeepActor(parts: {
  redis: RedisConnection;
  generations: readonly Generation[];
  processMetrics: ProcessMetrics;
  observe: Observe;
  pause: Pause;
}): Actor {
  const { redis, generations, processMetrics, observe, pause } = parts;
  return repeat({ redis, step: 'upkeep', everyMs: UPKEEP_MS, observe, pause }, async () => {
    for (const generation of generations) {
      const { shard } = generation;
      processMetrics.measured(shard, await measureLag(redis, generation));
      const entries = await countTrimmed(redis, generation);
      if (entries > 0) observe({ type: 'entries_lost', shard, entries });
      const consumers = await removeGoneConsumers(redis, generation, GONE_IDLE_MS);
      if (consumers > 0) observe({ type: 'consumers_removed', shard, consumers });
    }
  });
}

/** Does `work` again and again until stopped; what fails is repeated sooner. */
function repeat(
  options: { redis: RedisConnection; step: FailingStep; everyMs: number; observe: Observe; pause: Pause },
  work: () => Promise<void>,
): Actor {
  const { redis, step, everyMs, observe, pause } = options;
  return async (stop) => {
    while (!stop.aborted) {
      await retry({ step, observe, pause, stop }, async () => {
        await whenReady(redis, REQUEST_TIMEOUT_MS);
        await work();
      });
      await pause(everyMs, stop);
    }
  };
}

async function readUnreadiness(
  redis: RedisConnection,
  parts: {
    generations: readonly Generation[];
    role: AggregatorOptions['role'];
    swarmMetrics: SwarmMetrics | undefined;
  },
): Promise<string | undefined> {
  if (!isReady(redis)) return 'Redis is not reached';
  if (parts.generations.length === 0) return 'the consumer groups are not there yet';
  if (parts.role !== 'fold' && parts.swarmMetrics?.loaded !== true) return 'the first view is not loaded yet';
  try {
    await redis.ping();
    return undefined;
  } catch {
    return 'Redis does not answer';
  }
}

/** The connections of one aggregator. */
interface Connections {
  /** Opens one more; it connects, and reconnects, in the background. */
  open(name: string, commandTimeoutMs: number): RedisConnection;
  close(): Promise<void>;
}

function createConnections(url: string, observe: Observe): Connections {
  const opened: RedisConnection[] = [];
  return {
    open(name, commandTimeoutMs) {
      const connection = connectRedis(url, {
        name: `streamfold-${name}`,
        commandTimeoutMs,
        onError: (error) => observe({ type: 'connection_failed', error }),
      });
      opened.push(connection);
      connection.connect().catch(() => undefined); // told by onError; it goes on trying
      return connection;
    },
    async close() {
      await Promise.all(
        opened.map(async (connection) => {
          if (isReady(connection)) await connection.quit().catch(() => undefined);
          connection.disconnect();
        }),
      );
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
