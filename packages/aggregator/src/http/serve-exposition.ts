import { ConnectionError, toError } from '@streamfold/redis';
import { CONTENT_TYPES } from '@streamfold/core';
import type { Context, Middleware } from 'koa';
import type { SwarmMetrics } from '../view/swarm-metrics.ts';
import { BusyError } from '../view/variants.ts';
import { createExpositionAnswers } from './exposition-answers.ts';
import { toLine } from './health-reason.ts';
import { negotiateEncoding } from './negotiate-encoding.ts';
import { negotiateFormat } from './negotiate-format.ts';
import type { ProcessMetrics } from './process-metrics.ts';
import { readZeroFirstSeconds } from './read-zero-first-seconds.ts';

export interface ExpositionOptions {
  /** False if this aggregator only folds. */
  readonly serves: boolean;
  /** The swarm's metrics, as soon as there are any. */
  readonly readSwarmMetrics: () => SwarmMetrics | undefined;
  /** Counts the scrapes. */
  readonly processMetrics: Pick<ProcessMetrics, 'scraped' | 'refused'>;
  /** Why the process is not ready to serve, or `undefined` when it is. */
  readonly readUnreadiness: () => Promise<string | undefined>;
  /** A scrape that takes longer is answered 503, ms. */
  readonly scrapeTimeoutMs: number;
  /** Monotonic clock, ms. */
  readonly now: () => number;
  readonly onError: (error: Error) => void;
}

/**
 * `GET /prometheus/metrics`. Never old values with 200: a client could not tell them from current ones.
 *
 * | status | when |
 * |---|---|
 * | 400 | `zero_first_seconds` is not a whole number from 1 to 300 |
 * | 503 | the metrics cannot be read from Redis now; with `Retry-After`, the process is busy with other answers |
 */
export function serveExposition(options: ExpositionOptions): Middleware {
  const { serves, readSwarmMetrics, readUnreadiness, processMetrics, scrapeTimeoutMs, now, onError } =
    options;
  const answers = createExpositionAnswers((format, zeroFirstSeconds) => {
    const swarmMetrics = readSwarmMetrics();
    if (swarmMetrics === undefined) throw new Error('expected the swarm metrics; there are none yet');
    return swarmMetrics.scrape(format, zeroFirstSeconds);
  });

  return async (context) => {
    const zeroFirstSeconds = readZeroFirstSeconds(context);
    if (typeof zeroFirstSeconds === 'string') {
      refuse(context, 400, zeroFirstSeconds);
      return;
    }
    if (readSwarmMetrics() === undefined) {
      const why = serves
        ? ((await readUnreadiness()) ?? 'the first view is not loaded yet')
        : 'this aggregator only folds; scrape one that serves';
      refuse(context, 503, why);
      return;
    }
    const startedMs = now();
    const [format, encoding] = [negotiateFormat(context), negotiateEncoding(context)];
    try {
      const answering = answers.admit(context.res);
      const rendering = answering.render({ format, zeroFirstSeconds, encoding });
      const exposition = await within(scrapeTimeoutMs, rendering);
      context.body = answering.stream(exposition);
      context.type = CONTENT_TYPES[format];
      context.length = exposition.byteLength;
      if (encoding === 'gzip') context.set('Content-Encoding', encoding);
      processMetrics.scraped((now() - startedMs) / 1_000);
    } catch (cause) {
      if (cause instanceof BusyError) {
        processMetrics.refused();
        context.set('Retry-After', String(cause.retryAfterSeconds));
        refuse(context, 503, cause.message);
        return;
      }
      const error = toError(cause);
      onError(error);
      const unreadiness = isNotConnected(error) ? await readUnreadiness() : undefined;
      refuse(context, 503, unreadiness ?? describeFailure(error));
    }
  };
}

/** Nothing was sent: then the reason for the missing connection is all that there is to say. */
function isNotConnected(error: Error): boolean {
  return error instanceof ConnectionError && error.reason === 'not_connected';
}

function describeFailure(error: Error): string {
  const detail = error instanceof ConnectionError ? error.detail : error.message;
  return toLine(`the metrics cannot be read from Redis now: ${detail}`);
}

function refuse(context: Context, status: 400 | 503, why: string): void {
  context.status = status;
  context.type = 'text/plain';
  context.body = `# ${why}\n`;
}

/** The value of `promise`, or a rejection if it takes longer than `ms`. */
async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`expected an answer within ${ms} ms, got none`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
