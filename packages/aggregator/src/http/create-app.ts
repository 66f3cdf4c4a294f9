import { CONTENT_TYPES } from '@streamfold/core';
import { Router } from '@koa/router';
import Koa from 'koa';
import compress from 'koa-compress';
import type { SwarmMetrics } from '../view/swarm-metrics.ts';
import type { ProcessMetrics } from './process-metrics.ts';
import type { Health } from './read-health.ts';
import { negotiateFormat } from './negotiate-format.ts';
import { readZeroFirstSeconds } from './read-zero-first-seconds.ts';

export interface AppOptions {
  /** False where this aggregator only folds. */
  readonly serves: boolean;
  /** The swarm's metrics, as soon as there are any. */
  readonly readSwarmMetrics: () => SwarmMetrics | undefined;
  readonly processMetrics: ProcessMetrics;
  readonly readHealth: () => Promise<Health>;
  /** Why the process is not ready to serve, or `undefined` when it is. */
  readonly readUnreadiness: () => Promise<string | undefined>;
  /** A scrape that takes longer is answered 503, ms. */
  readonly scrapeTimeoutMs: number;
  /** Monotonic clock, ms. */
  readonly now: () => number;
  readonly onError: (error: Error) => void;
}

/** Replies smaller than this are not worth compressing, bytes. */
const COMPRESS_FROM_BYTES = 1_024;
const COMPRESSED_TYPES = /^(text\/|application\/(json|openmetrics-text)\b)/i;

/** The HTTP endpoints. Anything else is 404, other methods 405; no stack trace leaves the process. */
export function createApp(options: AppOptions): Koa {
  const {
    serves,
    readSwarmMetrics,
    processMetrics,
    readHealth,
    readUnreadiness,
    scrapeTimeoutMs,
    now,
    onError,
  } = options;
  const app = new Koa();
  const router = new Router();

  router.get('/prometheus/metrics', async (context) => {
    const zeroFirstSeconds = readZeroFirstSeconds(context);
    if (typeof zeroFirstSeconds === 'string') {
      refuse(context, { status: 400, why: zeroFirstSeconds });
      return;
    }
    const swarmMetrics = readSwarmMetrics();
    if (swarmMetrics === undefined) {
      const why = serves
        ? 'Redis has not been reached yet'
        : 'this aggregator only folds; scrape one that serves';
      refuse(context, { status: 503, why });
      return;
    }
    const startedMs = now();
    const format = negotiateFormat(context);
    try {
      const text = await within(scrapeTimeoutMs, swarmMetrics.scrape(format, zeroFirstSeconds));
      context.type = CONTENT_TYPES[format];
      context.body = text;
      processMetrics.scraped((now() - startedMs) / 1_000);
    } catch (cause) {
      // Never old values with 200: whoever reads them could not tell.
      const error = cause instanceof Error ? cause : new Error(String(cause));
      onError(error);
      refuse(context, { status: 503, why: 'the metrics cannot be read from Redis now' });
    }
  });

  router.get('/prometheus/health', async (context) => {
    const health = await readHealth();
    context.status = health.status === 'unhealthy' ? 503 : 200;
    context.body = health;
  });

  router.get('/metrics', async (context) => {
    const swarmMetrics = readSwarmMetrics();
    if (swarmMetrics !== undefined)
      processMetrics.setSeries(swarmMetrics.series, swarmMetrics.foldedTogether);
    context.type = processMetrics.contentType;
    context.body = await processMetrics.render();
  });

  router.get('/livez', (context) => {
    context.type = 'text/plain';
    context.body = 'ok\n';
  });

  router.get('/readyz', async (context) => {
    const unreadiness = await readUnreadiness();
    context.type = 'text/plain';
    context.status = unreadiness === undefined ? 200 : 503;
    context.body = `${unreadiness ?? 'ok'}\n`;
  });

  app.on('error', onError);
  app.use(async (context, next) => {
    context.set('Cache-Control', 'no-store');
    try {
      await next();
    } catch (cause) {
      onError(cause instanceof Error ? cause : new Error(String(cause)));
      context.status = 500;
      context.type = 'text/plain';
      context.body = 'internal error\n';
    }
  });
  app.use(
    compress({
      threshold: COMPRESS_FROM_BYTES,
      filter: (type) => COMPRESSED_TYPES.test(type), // OpenMetrics is in no list of what is text
      br: false,
      zstd: false,
      deflate: false,
    }),
  );
  app.use(async (context, next) => {
    if (
      context.method !== 'GET' &&
      context.method !== 'HEAD' &&
      router.match(context.path, 'GET').path.length > 0
    ) {
      context.set('Allow', 'GET, HEAD');
      context.status = 405;
      context.body = 'method not allowed\n';
      return;
    }
    await next();
    if (context.status === 404) {
      context.status = 404;
      context.type = 'text/plain';
      context.body = 'not found\n';
    }
  });
  app.use(router.routes());
  return app;
}

function refuse(context: Koa.Context, { status, why }: { status: 400 | 503; why: string }): void {
  context.status = status;
  context.type = 'text/plain';
  context.body = `# ${why}\n`;
}

/** The value of `promise`, or a rejection where it takes longer than `ms`. */
function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  const timeout = AbortSignal.timeout(ms);
  return Promise.race([
    promise,
    new Promise<never>((_resolve, reject) => {
      timeout.addEventListener('abort', () =>
        reject(new Error(`expected an answer within ${ms} ms, got none`)),
      );
    }),
  ]);
}
