import { askAll, ConfigurationError, type RedisConnection, toError, whenReady } from '@streamfold/redis';
import { completeOptions, type AggregatorOptions, type AggregatorSettings } from './aggregator-options.ts';
import type { FoldingMode } from './state/commit-batch.ts';
import { createConnections, type Connections } from './run/connections.ts';
import type { Fact, Observe } from './run/fact.ts';
import { observeGeneration } from './fold/observe-generation.ts';
import { createRoster, type Roster, type RosterOptions } from './upkeep/roster.ts';
import type { OnCommitted } from './fold/pipeline.ts';
import { runConsumers } from './fold/run-consumers.ts';
import { createApp } from './http/create-app.ts';
import { createConditions, type Conditions } from './http/conditions.ts';
import { readHealth, type Health } from './http/read-health.ts';
import { readUnreadiness } from './http/read-unreadiness.ts';
import { serveHttp } from './http/serve-http.ts';
import { keepRoster } from './upkeep/keep-roster.ts';
import { keepShards } from './upkeep/keep-shards.ts';
import { createMonitor, MONITOR_EVERY_MS } from './upkeep/monitor-shards.ts';
import { REMOVE_ENDED_EVERY_MS, removeEnded } from './upkeep/remove-ended.ts';
import { createBoundsWatch, LOOK_AT_BOUNDS_MS } from './upkeep/watch-bounds.ts';
import { createProcessMetrics, type ProcessMetrics } from './http/process-metrics.ts';
import { repeat } from './run/repeat.ts';
import type { Generation } from './state/generation.ts';
import { recordStateLoss } from './state/state-loss.ts';
import { retry } from './run/retry.ts';
import { runGroup, type Actor } from './run/run-group.ts';
import { createTurns } from './run/turns.ts';
import { keepArchive } from './upkeep/keep-archive.ts';
import { createFollower } from './view/follow-metrics.ts';
import { createLiveMetrics, type LiveMetrics } from './view/live-metrics.ts';
import { trimOvergrownLog } from './view/trim-overgrown-log.ts';

/** Redis is given up for a scrape or a health check after this time; Prometheus waits 10 s by default. */
const REQUEST_TIMEOUT_MS = 5_000;
/** Archiving reads and trims in larger steps. */
const COMMAND_TIMEOUT_MS = 10_000;
/** The view follows the log this often, even without scrapes. */
const FOLLOW_MS = 1_000;
const UPKEEP_MS = 5_000;
/** Lag and reasons in the metrics of the process are at most this old. */
const HEALTH_MS = 5_000;
/** Shards whose delta logs are trimmed at a time: each takes the memory of its whole state. */
const TRIMMED_AT_ONCE = 16;
const STOP_DEADLINE_MS = 15_000;

/**
 * Runs an aggregator: folds, and serves the state that all aggregators have folded, until `stop` is aborted; without
 * `stop`, as long as the process lives. Then it commits its current batches and closes all connections. Only `redisUrl` is
 * required: the other settings have the defaults of `streamfold serve`.
 *
 * @throws {ConfigurationError} if a setting is missing or does not fit what is in Redis, or the address is taken.
 */
export async function runAggregator(
  given: AggregatorOptions,
  stop: AbortSignal = new AbortController().signal,
): Promise<void> {
  if (!(stop instanceof AbortSignal)) {
    throw new ConfigurationError(`expected an AbortSignal, or nothing; got ${String(stop)}`, {
      options: ['stop'],
    });
  }
  const parts = createParts(completeOptions(given));
  const { roster, connections } = parts;
  const examine = createExamination(parts);
  try {
    await runGroup([serve(parts, examine), work(parts), watchHealth(parts, examine)], stop, STOP_DEADLINE_MS);
  } finally {
    await roster.close(); // connections that were opened just before a stop
    await connections.close();
  }
}

/** The state shared by the actors of one aggregator. */
interface Parts {
  readonly options: AggregatorSettings;
  readonly replyTimeoutMs: number;
  readonly serves: boolean;
  readonly processMetrics: ProcessMetrics;
  readonly conditions: Conditions;
  readonly observe: Observe;
  readonly connections: Connections;
  /** The connection for short commands. */
  readonly redis: RedisConnection;
  readonly roster: Roster;
  readonly view: View;
}

/** The served metrics. */
interface View {
  /** `undefined` until the shards are open, and if this process only folds. */
  metrics: LiveMetrics | undefined;
  follows: boolean;
}

function createParts(options: AggregatorSettings): Parts {
  const { prefix, shards, role, definitions, replyTimeoutMs = REQUEST_TIMEOUT_MS } = options;
  const processMetrics = createProcessMetrics(options.version);
  const conditions = createConditions(options.now);
  const observe = (fact: Fact): void => {
    processMetrics.observe(fact);
    conditions.observe(fact);
    options.observe(fact);
    if (fact.type === 'state_lost') void rememberLoss(fact);
  };
  const connections = createConnections(options.redisUrl, observe);
  const redis = connections.open('control', replyTimeoutMs);
  /** For `status` and `doctor`, which have not seen the earlier state. */
  const rememberLoss = async (loss: Extract<Fact, { readonly type: 'state_lost' }>): Promise<void> => {
    await recordStateLoss(redis, { prefix, shard: loss.shard }, loss).catch((cause: unknown) => {
      observe({ type: 'failed', step: 'upkeep', shard: loss.shard, error: toError(cause) });
    });
  };
  const view: View = { metrics: undefined, follows: false };
  const roster = createRoster({
    redis,
    prefix,
    shards,
    catalogue: definitions.catalogue,
    fold:
      role === 'serve'
        ? undefined
        : createFolding({ ...options, observe }, view, () => roster.registry?.live),
    acceptLostState: options.acceptLostState,
    observe,
  });
  const serves = role !== 'fold';
  return {
    options,
    replyTimeoutMs,
    serves,
    processMetrics,
    conditions,
    observe,
    connections,
    redis,
    roster,
    view,
  };
}

/** Measures the health, and sets its reasons in the metrics of the process; one measurement at a time. */
function createExamination(parts: Parts): () => Promise<Health> {
  const { options, serves, processMetrics, conditions, redis, roster, view } = parts;
  const { now } = options;
  const startedMs = now();
  return createTurns(async (): Promise<Health> => {
    const { live, registry, rebuildNeeded, unreadable } = roster;
    const known = {
      shards: live?.shards ?? [],
      liveId: registry?.live,
      rebuildNeeded,
      unreadable,
      viewFollows: !serves || view.follows,
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
}

/** Even while Redis is down: that is when the metrics of the reasons matter. */
function watchHealth({ options: { pause } }: Parts, examine: () => Promise<Health>): Actor {
  return async (stopping) => {
    while (!stopping.aborted) {
      await examine();
      await pause(HEALTH_MS, stopping);
    }
  };
}

/** Answers HTTP from the start, whether Redis is up or not. */
function serve(parts: Parts, examine: () => Promise<Health>): Actor {
  const { options, serves, processMetrics, conditions, observe, redis, roster, view } = parts;
  return async (stopping) => {
    const app = createApp({
      serves,
      readSwarmMetrics: () => (roster.lost === undefined ? view.metrics : undefined),
      processMetrics,
      readHealth: examine,
      readUnreadiness: () => {
        const { live, unreadable } = roster;
        return readUnreadiness(redis, {
          generations: live?.shards ?? [],
          unreadable,
          serves,
          swarmMetrics: view.metrics,
          conditions: conditions.list(),
          lastConnectionError: conditions.lastConnectionError,
        });
      },
      scrapeTimeoutMs: REQUEST_TIMEOUT_MS,
      now: options.now,
      onError: (error) => observe({ type: 'request_failed', error }),
    });
    const server = await serveHttp(app, options);
    options.onListening(server.url);
    await aborted(stopping);
    await server.stop();
  };
}

/** Opens the shards once Redis is up, then folds, follows and keeps them until stopped. */
function work(parts: Parts): Actor {
  const { options, observe, redis, roster, serves } = parts;
  const { pause } = options;
  return async (stopping) => {
    await retry({ step: 'open', observe, pause, stop: stopping }, async () => {
      await whenReady(redis, REQUEST_TIMEOUT_MS);
      await roster.open();
    });
    if (stopping.aborted) return;
    const actors = [keepRoster(roster, { redis, observe, pause }), ...upkeep(parts)];
    await runGroup(serves ? [...actors, follow(parts)] : actors, stopping, STOP_DEADLINE_MS);
  };
}

/** The periodic work of every aggregator. */
function upkeep({ options, replyTimeoutMs, observe, connections, redis, roster }: Parts): Actor[] {
  const { prefix, shards, role, archiving, consumer: holder, createId, pause } = options;
  const monitorRedis = connections.open('monitor', replyTimeoutMs);
  const actors = [
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
  if (archiving !== undefined) {
    const archiveRedis = connections.open('archive', options.replyTimeoutMs ?? COMMAND_TIMEOUT_MS);
    actors.push(keepArchive(archiving, { redis: archiveRedis, prefix, shards, holder, observe, pause }));
  }
  if (role === 'fold') {
    const trim = (generation: Generation): Promise<boolean> =>
      trimOvergrownLog({ redis, generation, observe, createId });
    actors.push(
      repeat({ redis, step: 'upkeep', everyMs: UPKEEP_MS, observe, pause }, async () => {
        await askAll(roster.live?.shards ?? [], trim, TRIMMED_AT_ONCE);
      }),
    );
  }
  return actors;
}

/** Keeps the view at the end of the delta log, so that a scrape has little left to read. */
function follow({ options, replyTimeoutMs, observe, connections, view }: Parts): Actor {
  const { pause, definitions } = options;
  const redis = connections.open('view', replyTimeoutMs);
  const { seriesLimit } = definitions;
  const metrics = createLiveMetrics({ ...options, redis, observe, seriesLimit });
  view.metrics = metrics;
  const followMetrics = createFollower(metrics, observe);
  return repeat({ redis, step: 'view', everyMs: FOLLOW_MS, observe, pause }, async () => {
    let follows = false;
    try {
      await followMetrics();
      follows = true;
    } finally {
      view.follows = follows;
    }
  });
}

/** How this process folds a generation. Facts about one that is not live are reported separately. */
function createFolding(
  options: AggregatorSettings,
  view: View,
  readLive: () => string | undefined,
): NonNullable<RosterOptions['fold']> {
  const onCommitted: OnCommitted = async (...own) => view.metrics?.mergeOwn(...own);
  return ({ id, shards }, stop) => {
    const isLive = (): boolean => readLive() === id;
    const mode = (): FoldingMode => (isLive() ? 'live' : 'replayed');
    return runConsumers(
      shards,
      { ...options, mode, onCommitted, observe: observeGeneration(id, { observe: options.observe, isLive }) },
      stop,
    );
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
