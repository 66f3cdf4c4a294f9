import { shardKeys, toError } from '@streamfold/redis';
import { appendEvents, type AppendedReply } from './append-events.ts';
import type { Batch } from './batch.ts';
import { classifyFailure } from './classify-failure.ts';
import type { Link } from './link.ts';
import type { RetryReason } from './observer.ts';
import type { PublisherSettings } from './options.ts';

/** Appends batches to the stream of one shard: each at most once, however often it is retried under its number. */
export interface Appender {
  /** Assigns a number to a batch. From then on the batch must not change. */
  number(batch: Batch): NumberedBatch;
  /** One attempt. Never rejects. */
  append(numbered: NumberedBatch): Promise<Attempt>;
}

export interface NumberedBatch {
  readonly batch: Batch;
  readonly number: number;
  /** The publisher's clock, ms, after which Redis may have forgotten the number: another attempt could append the batch twice. */
  readonly giveUpMs: number;
  /** The same time on the clock of Redis, which appends nothing later. */
  readonly giveUpRedisMs: number;
}

type Attempt = AppendedReply | { readonly status: 'failed'; readonly failure: AttemptFailure };

export interface AttemptFailure {
  readonly reason: RetryReason;
  readonly error?: Error;
}

export interface AppenderContext {
  readonly shard: number;
  readonly publisherId: string;
  readonly settings: PublisherSettings;
  readonly link: Link;
}

/** This last part of the window is not used, because a clock may be adjusted by that much. */
const CLOCK_STEP_MS = 2_000;

export function createAppender({ shard, publisherId, settings, link }: AppenderContext): Appender {
  const { now, prefix, idempotencyWindowMs: windowMs } = settings;
  const { events, publishedIds, publisher } = shardKeys({ prefix, shard });
  const keys = [events, publishedIds, publisher(publisherId)] as const;
  const trustMs = windowMs - CLOCK_STEP_MS;
  let numbers = 0;
  return {
    number: (batch) => ({
      batch,
      number: ++numbers,
      giveUpMs: now() + trustMs,
      giveUpRedisMs: link.redisTimeMs() + trustMs,
    }),
    async append({ batch, number, giveUpRedisMs: deadlineMs }) {
      try {
        const reply = await appendEvents(link.redis, { keys, number, windowMs, deadlineMs, batch });
        link.setRedisTimeMs(reply.redisTimeMs);
        return reply.status === 'late' ? { status: 'failed', failure: { reason: 'late' } } : reply;
      } catch (cause) {
        const error = toError(cause);
        return { status: 'failed', failure: { reason: classifyFailure(error), error } };
      }
    },
  };
}
