import { shardKeys, toError } from '@streamfold/redis';
import { appendEvents, type AppendedReply } from './append-events.ts';
import type { Batch } from './batch.ts';
import { classifyFailure } from './classify-failure.ts';
import type { Confirmation, Confirmer } from './confirmer.ts';
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

/** What was appended, and whether it is as durable as was asked for. */
export interface AppendedBatch extends AppendedReply {
  readonly confirmation: Exclude<Confirmation, { readonly status: 'in_doubt' }>;
}

type Attempt = AppendedBatch | { readonly status: 'failed'; readonly failure: AttemptFailure };

export interface AttemptFailure {
  readonly reason: RetryReason;
  readonly error?: Error;
}

export interface AppenderContext {
  readonly shard: number;
  readonly publisherId: string;
  readonly settings: PublisherSettings;
  readonly link: Link;
  /** None if an event counts as published once the primary has it in memory. */
  readonly confirmer: Confirmer | undefined;
}

/** This last part of the window is not used, because a clock may be adjusted by that much. */
const CLOCK_STEP_MS = 2_000;

const CONFIRMED = { status: 'confirmed' } as const;

export function createAppender({ shard, publisherId, settings, link, confirmer }: AppenderContext): Appender {
  const { now, prefix, idempotencyWindowMs: windowMs } = settings;
  const { events, publishedIds, publisher } = shardKeys({ prefix, shard });
  const keys = [events, publishedIds, publisher(publisherId)] as const;
  const trustMs = windowMs - CLOCK_STEP_MS;
  let numbers = 0;

  const confirm = async (reply: AppendedReply, number: number): Promise<Attempt> => {
    const confirmation = (await confirmer?.confirm({ key: keys[2], number })) ?? CONFIRMED;
    if (confirmation.status !== 'in_doubt') return { ...reply, confirmation };
    // Whatever the reason: sent again under its number, it is in the stream once.
    return { status: 'failed', failure: { reason: 'no_reply', error: confirmation.error } };
  };

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
        if (reply.status === 'late') return { status: 'failed', failure: { reason: 'late' } };
        return await confirm(reply, number);
      } catch (cause) {
        const error = toError(cause);
        return { status: 'failed', failure: { reason: classifyFailure(error), error } };
      }
    },
  };
}
