import { toError } from '@streamfold/redis';
import { Router } from '@koa/router';
import Koa from 'koa';
import type { ProcessMetrics } from './process-metrics.ts';
import type { Health } from './read-health.ts';
import { compressText } from './compress-text.ts';
import { listEndpoints } from './list-endpoints.ts';
import { serveExposition, type ExpositionOptions } from './serve-exposition.ts';

export interface AppOptions extends ExpositionOptions {
  readonly processMetrics: ProcessMetrics;
  readonly readHealth: () => Promise<Health>;
}

/** A client may leave whenever it likes: that is no failure of ours. */
const CLIENT_IS_GONE = new Set(['ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET', 'EPIPE']);

/** The HTTP endpoints. Anything else is 404, other methods 405; no stack trace leaves the process. */
export function createApp(options: AppOptions): Koa {
  const { serves, readSwarmMetrics, processMetrics, readHealth, readUnreadiness, onError } = options;
  const app = new Koa();
  const router = new Router();

  router.get('/', listEndpoints(serves));

  router.get('/prometheus/metrics', serveExposition(options));

  router.get('/prometheus/health', async (context) => {
    const health = await readHealth();
    context.status = health.status === 'unhealthy' ? 503 : 200;
    context.type = 'application/json';
    context.body = `${JSON.stringify(health)}\n`;
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

  app.on('error', (error: NodeJS.ErrnoException) => {
    if (!CLIENT_IS_GONE.has(error.code ?? '')) onError(error);
  });
  app.use(async (context, next) => {
    context.set('Cache-Control', 'no-store');
    try {
      await next();
    } catch (cause) {
      onError(toError(cause));
      context.status = 500;
      context.type = 'text/plain';
      context.body = 'internal error\n';
    }
  });
  app.use(compressText);
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
