import { whenReady, type RedisConnection } from '@streamfold/redis';
import { completeOptions, type AggregatorOptions, type AggregatorSettings } from './aggregator-options.ts';
import type { FoldingMode } from './state/commit-batch.ts';
import { createConnections } from './run/connections.ts';
import type { Fact, Observe } from './run/fact.ts';
import { observeGeneration } from './fold/observe-generation.ts';
import { createRoster, type Roster, type RosterOptions } from './upkeep/roster.ts';
import { runConsumers } from './fold/run-consumers.ts';
import { createApp } from './http/create-app.ts';
import { createConditions } from './http/conditions.ts';
import { readHealth, type Health } from './http/read-health.ts';
import { readUnreadiness } from './http/read-unreadiness.ts';
import { serveHttp } from './http/serve-http.ts';
import { keepShards } from './upkeep/keep-shards.ts';
import { createMonitor, MONITOR_EVERY_MS } from './upkeep/monitor-shards.ts';
import { REMOVE_ENDED_EVERY_MS, removeEnded } from './upkeep/remove-ended.ts';
import { createBoundsWatch, LOOK_AT_BOUNDS_MS } from './upkeep/watch-bounds.ts';
import { createProcessMetrics } from './http/process-metrics.ts';
import { repeat } from './run/repeat.ts';
import { retry, type Pause } from './run/retry.ts';
import { runGroup, type Actor } from './run/run-group.ts';
import { createTurns } from './run/turns.ts';
import { keepArchive } from './upkeep/keep-archive.ts';
import { createFollower } from './view/follow-metrics.ts';
import { createLiveMetrics, type LiveMetrics } from './view/live-metrics.ts';
import { createShardView } from './view/shard-view.ts';
import { trimOvergrownLog } from './view/trim-overgrown-log.ts';

/** Redis is given up for a scrape or a health check after this time; Prometheus waits 10 s by default. */
const REQUEST_TIMEOUT_MS = 5_000;
/** Archiving reads and trims in larger steps. */
const COMMAND_TIMEOUT_MS = 10_000;
/** The view follows the log this often also without scrapes, so that a scrape finds little left to read. */
const FOLLOW_MS = 1_000;
const UPKEEP_MS = 5_000;
/** Lag and reasons in the metrics of the process are at most this old. */
const HEALTH_MS = 5_000;
/** A generation that a rebuild has begun is folded here so much later at most. */
const GENERATIONS_MS = 1_000;
const STOP_DEADLINE_MS = 15_000;

/**
 * Runs an aggregator: folds, and serves what all aggregators have folded, until `stop` is aborted. Then the batches in
 * hand are committed and all connections closed. Only `redisUrl` is required: the other settings have the defaults of
 * `streamfold serve`.
 *
 * @throws {ConfigurationError} if a setting does not fit what is in Redis, or the address is taken.
 */
export async function runAggregator(given: AggregatorOptions, stop: AbortSignal): Promise<void> {
  const options = completeOptions(given);
  const { prefix, shards, role, definitions, now, pause } = options;
  const { replyTimeoutMs = REQUEST_TIMEOUT_MS } = options;
  const startedMs = now();
  const serves = role !== 'fold';
  const processMetrics = createProcessMetrics(options.version);
  const conditions = createConditions();
  const observe = (fact: Fact): void => {
    processMetrics.observe(fact);
    conditions.observe(fact);
    options.observe(fact);
  };
  const connections = createConnections(options.redisUrl, observe);
  const redis = connections.open('control', replyTimeoutMs);
  const roster = createRoster({
    redis,
    prefix,
    shards,
    catalogue: definitions.catalogue,
    fold: role === 'serve' ? undefined : createFolding(options, observe, () => roster.registry?.live),
    acceptLostState: options.acceptLostState,
    observe,
  });
  let swarmMetrics: LiveMetrics | undefined;
  let viewFollows = false;

  const examine = createTurns(async (): Promise<Health> => {
    const { live, registry, rebuildNeeded, unreadable } = roster;
    const known = {
      shards: live?.shards ?? [],
      liveId: registry?.live,
      rebuildNeeded,
      unreadable,
      viewFollows: !serves || viewFollows,
      conditions: conditions.list(),
      lastConnectionError: conditions.lastConnectionError,
      monitorGraceSeconds: options.monitorGraceMs / 1_000,
      uptimeSeconds: Math.round(now() - startedMs) / 1_000,
      version: options.version,
    };
    const health = await readHealth(redis, known, processMetrics.measured);
    processMetrics.stated(new Set(health.reasons.map(({ reason }) => reason)));
    return health;
  });
  /** Also while Redis is away: that is when the metrics of the reasons matter. */
  const watchHealth: Actor = async (stopping) => {
    while (!stopping.aborted) {
      await examine();
      await pause(HEALTH_MS, stopping);
    }
  };

  const serve: Actor = async (stopping) => {
    const app = createApp({
      serves,
      readSwarmMetrics: () => (roster.lost === undefined ? swarmMetrics : undefined),
      processMetrics,
      readHealth: examine,
      readUnreadiness: () => {
        const { live, unreadable } = roster;
        return readUnreadiness(redis, {
          generations: live?.shards ?? [],
          unreadable,
          serves,
          swarmMetrics,
          conditions: conditions.list(),
          lastConnectionError: conditions.lastConnectionError,
        });
      },
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
      await roster.open();
    });
    if (stopping.aborted) return;
    const monitorRedis = connections.open('monitor', replyTimeoutMs);
    const actors: Actor[] = [
      keepRoster(roster, { redis, observe, pause }),
      repeat({ redis, step: 'upkeep', everyMs: UPKEEP_MS, observe, pause }, () =>
        keepShards(redis, roster, { ...options, observe }),
      ),
      repeat(
        { redis: monitorRedis, step: 'monitor', everyMs: MONITOR_EVERY_MS, observe, pause },
        createMonitor(monitorRedis, { ...options, observe }),
      ),
      repeat(
        { redis, step: 'bounds', everyMs: LOOK_AT_BOUNDS_MS, observe, pause },
        createBoundsWatch(redis, { prefix, shards, observe }),
      ),
      repeat({ redis, step: 'cleanup', everyMs: REMOVE_ENDED_EVERY_MS, observe, pause }, () =>
        removeEnded(redis, { ...options, observe }),
      ),
    ];
    if (options.archiving !== undefined) {
      const { archiving, consumer: holder } = options;
      const archiveRedis = connections.open('archive', options.replyTimeoutMs ?? COMMAND_TIMEOUT_MS);
      actors.push(keepArchive(archiving, { redis: archiveRedis, prefix, shards, holder, observe, pause }));
    }
    if (role === 'fold') {
      const { createId } = options;
      actors.push(
        repeat({ redis, step: 'upkeep', everyMs: UPKEEP_MS, observe, pause }, async () => {
          for (const generation of roster.live?.shards ?? [])
            await trimOvergrownLog({ redis, generation, observe, createId });
        }),
      );
    }
    if (serves) {
      const viewRedis = connections.open('view', replyTimeoutMs);
      const { createId } = options;
      const { seriesLimit } = definitions;
      swarmMetrics = createLiveMetrics({
        redis: viewRedis,
        prefix,
        shards,
        createView: (generation, listener) =>
          createShardView({ redis: viewRedis, generation, listener, observe, createId, seriesLimit }),
        pause,
        now,
      });
      const follow = createFollower(swarmMetrics, observe);
      actors.push(
        repeat({ redis: viewRedis, step: 'view', everyMs: FOLLOW_MS, observe, pause }, async () => {
          let follows = false;
          try {
            await follow();
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
    await runGroup([serve, work, watchHealth], stop, STOP_DEADLINE_MS);
  } finally {
    await roster.close(); // what was opened just before a stop
    await connections.close();
  }
}

/** How this process folds a generation: what is not live is told of apart. */
function createFolding(
  options: AggregatorSettings,
  observe: Observe,
  readLive: () => string | undefined,
): NonNullable<RosterOptions['fold']> {
  return ({ id, shards }, stop) => {
    const isLive = (): boolean => readLive() === id;
    const mode = (): FoldingMode => (isLive() ? 'live' : 'replayed');
    return runConsumers(
      shards,
      { ...options, mode, observe: observeGeneration(id, { observe, isLive }) },
      stop,
    );
  };
}

/** Follows which generations there are, and folds them, until stopped; then what is in hand is committed. */
function keepRoster(
  roster: Roster,
  { redis, observe, pause }: { redis: RedisConnection; observe: Observe; pause: Pause },
): Actor {
  const refreshing = repeat({ redis, step: 'generations', everyMs: GENERATIONS_MS, observe, pause }, () =>
    roster.refresh(),
  );
  return async (stopping) => {
    try {
      await Promise.race([refreshing(stopping), roster.failed]);
    } finally {
      await roster.close();
    }
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
