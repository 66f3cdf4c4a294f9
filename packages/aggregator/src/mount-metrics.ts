import type { IncomingMessage, ServerResponse } from 'node:http';
import { Router } from '@koa/router';
import Koa, { type Middleware } from 'koa';
import {
  askAll,
  checkShardCount,
  type Installation,
  isReady,
  listShards,
  type RedisConnection,
  type RedisUrlOption,
  toError,
} from '@streamfold/redis';
import { completeOptions, warnOfFirstFailure, type AggregatorOptions } from './aggregator-options.ts';
import { serveExposition } from './http/serve-exposition.ts';
import { createConnections } from './run/connections.ts';
import { repeat } from './run/repeat.ts';
import { numberOf } from './state/generation.ts';
import { readMarks } from './state/read-marks.ts';
import { readRegistry } from './state/read-registry.ts';
import { createFollower } from './view/follow-metrics.ts';
import { createLiveMetrics } from './view/live-metrics.ts';

export type MetricsHandlerOptions = RedisUrlOption &
  Pick<AggregatorOptions, 'prefix' | 'shards' | 'definitions' | 'replyTimeoutMs' | 'observe'> & {
    /** The path that `router` serves. By default `/prometheus/metrics`. */
    readonly path?: string | undefined;
  };

/** The metrics of the swarm, to be mounted into a server. */
export interface MetricsHandler {
  /** Answers a request with the metrics, whatever its path: for `node:http`, Express, and Fastify's raw requests. */
  handle(this: void, request: IncomingMessage, response: ServerResponse): void;
  /** The same for Koa: `app.use(metrics.router.routes())` serves `path`. */
  readonly router: Router;
  /** Stops following, and closes the connections to Redis; requests are then answered 503. Idempotent. */
  close(): Promise<void>;
}

const REQUEST_TIMEOUT_MS = 5_000;
/** The view follows the log this often even without scrapes, so that a scrape has little left to read. */
const FOLLOW_MS = 1_000;
const METHODS = new Set(['GET', 'HEAD']);

/**
 * Serves the metrics of the swarm from a server of your own. It reads the state that aggregators have folded, and
 * follows the live generation as aggregators do; it folds nothing, and needs at least one aggregator beside it. It
 * connects, and reconnects, in the background. A request is answered 503, never with old values, while Redis cannot be
 * reached, or before the first aggregator has begun.
 */
export function createMetricsHandler(options: MetricsHandlerOptions): MetricsHandler {
  const settings = completeOptions(options);
  const { observe = warnOfFirstFailure('metrics handler') } = options;
  const { redisUrl, now, pause } = settings;
  const { replyTimeoutMs = REQUEST_TIMEOUT_MS, path = '/prometheus/metrics' } = options;
  const connections = createConnections(redisUrl, observe);
  const redis = connections.open('view', replyTimeoutMs);
  const stop = new AbortController();
  const { seriesLimit } = settings.definitions;
  const liveMetrics = createLiveMetrics({ ...settings, redis, observe, seriesLimit });
  const followMetrics = createFollower(liveMetrics, observe);
  /** Why nothing may be served: other settings, or the state of another generation. */
  let obstacle: string | undefined = 'the first view is not loaded yet';
  const follow = repeat({ redis, step: 'view', everyMs: FOLLOW_MS, observe, pause }, async () => {
    obstacle = await findObstacle(redis, settings);
    if (obstacle === undefined) await followMetrics();
  });
  const following = follow(stop.signal).catch((cause: unknown) => {
    const error = toError(cause);
    obstacle = error.message;
    observe({ type: 'failed', step: 'view', shard: undefined, error });
  });

  const serve = serveExposition({
    serves: true,
    readSwarmMetrics: () => (obstacle === undefined && !stop.signal.aborted ? liveMetrics : undefined),
    readUnreadiness: async () => {
      if (stop.signal.aborted) return 'the metrics handler is closed';
      return isReady(redis) ? obstacle : 'Redis is not reached';
    },
    processMetrics: { scraped() {}, refused() {} },
    scrapeTimeoutMs: REQUEST_TIMEOUT_MS,
    now,
    onError: (error) => observe({ type: 'request_failed', error }),
  });
  const answer: Middleware = async (context, next) => {
    context.set('Cache-Control', 'no-store');
    context.vary('Accept-Encoding');
    if (METHODS.has(context.method)) {
      await serve(context, next);
      return;
    }
    context.set('Allow', 'GET, HEAD');
    context.status = 405;
    context.body = 'method not allowed\n';
  };
  const router = new Router();
  router.all(path, answer);
  const app = new Koa();
  app.use(answer);
  app.on('error', (error: Error) => observe({ type: 'request_failed', error }));
  const callback = app.callback();

  return {
    handle: (request, response) => void callback(request, response),
    router,
    async close() {
      stop.abort();
      await following;
      await connections.close();
    },
  };
}

/** Reads whether the shards hold the generation that is live according to the registry; if not, returns why nothing can be served. */
async function findObstacle(redis: RedisConnection, installation: Installation): Promise<string | undefined> {
  await checkShardCount(redis, installation);
  const { live } = await readRegistry(redis, installation.prefix);
  if (live === undefined) return 'no aggregator has folded anything yet';
  const marks = await askAll(listShards(installation), (shard) => readMarks(redis, shard));
  const at = marks.findIndex(
    (mark) => mark.live !== undefined && mark.live !== live && numberOf(mark.live) >= numberOf(live),
  );
  if (at === -1) return undefined;
  return `the registry says that generation ${live} is live; on shard ${at} ${marks[at]?.live} is live there`;
}
