import {
  connectRedis,
  isRedirection,
  isReplyError,
  isTransientReply,
  toError,
  whenReady,
} from '@streamfold/redis';
import { describeMissing, isReached, readReached, waitCommand, type Reached } from './durability.ts';
import type { PublisherSettings } from './options.ts';

/** Finds out whether a batch that was appended is as durable as was asked for. */
export interface Confirmer {
  /** Waits for it, for `durability.timeoutMs` at most, or until the confirmer is closed. Never rejects. */
  confirm(batch: BatchName): Promise<Confirmation>;
  close(): void;
}

interface BatchName {
  /** Of the publisher's last batch. */
  readonly key: string;
  readonly number: number;
}

export type Confirmation =
  | { readonly status: 'confirmed' }
  /** In time, no more than this was reached; the error says what was missing, or that Redis refuses to wait. */
  | { readonly status: 'unconfirmed'; readonly reached: Reached; readonly error: Error }
  /** Redis could not be asked, or no longer knows the batch. Only to append it again, under its number, can tell. */
  | { readonly status: 'in_doubt'; readonly error: Error };

/** Redis is asked again after this time: batches of other shards wait meanwhile. */
const ASK_MS = 100;
/**
 * The same if the disk is waited for. With `appendfsync everysec` Redis writes to it once a second, and each question moves
 * the goal: Redis 8 never reaches it in shorter times.
 */
const ASK_DISK_MS = 2_500;
const NOTHING: Reached = { replicas: 0, disk: false };

/** A batch whose turn it is not yet. */
interface Question {
  readonly key: string;
  /** No longer asked after this time. */
  readonly endMs: number;
  answer(number: number, reached: Reached): void;
  fail(error: Error): void;
}

/**
 * Opens a connection of its own, as `WAIT` blocks the connection that sends it. `WAIT` concerns what its own connection has
 * written, and all that was written before that. So it follows a `GETEX` of the publisher's last batch, which reads its number
 * and is a write: it remembers the batch for another window. If the number is there, the batch was written before. After a
 * `GET` Redis 7.2 and newer, and Valkey, wait for nothing.
 */
export function openConfirmer(settings: PublisherSettings): Confirmer {
  const { durability, idempotencyWindowMs: windowMs, replyTimeoutMs, redisUrl, now } = settings;
  const longestMs = durability.disk ? ASK_DISK_MS : ASK_MS;
  const redis = connectRedis(redisUrl, {
    name: 'streamfold-publisher-wait',
    commandTimeoutMs: replyTimeoutMs + longestMs,
  });
  redis.connect().catch(() => undefined); // it keeps trying; the publisher's other connection reports what is wrong
  const questions: Question[] = [];
  let asking = false;
  let closed = false;

  const askAll = async (): Promise<void> => {
    if (asking) return;
    asking = true;
    // The keys of one call are on one node: in a Cluster, those of one shard.
    while (questions.length > 0) await askTogether(questions.splice(0, redis.isCluster ? 1 : Infinity));
    asking = false;
  };

  const askTogether = async (asked: readonly Question[], isAgain = false): Promise<void> => {
    try {
      await whenReady(redis, replyTimeoutMs);
      const commands = redis.pipeline();
      for (const { key } of asked) commands.getex(key, 'PX', windowMs);
      const leftMs = Math.min(...asked.map(({ endMs }) => endMs)) - now();
      commands.call(...waitCommand(durability, Math.ceil(Math.min(Math.max(leftMs, 1), longestMs))));
      const replies = (await commands.exec()) ?? [];
      const failed = replies.find(([error]) => error !== null)?.[0];
      if (failed && isRedirection(failed) && !isAgain) {
        await followRedirection(asked);
        return await askTogether(asked, true);
      }
      if (failed) throw failed;
      const reached = readReached(replies.at(-1)?.[1]);
      asked.forEach((question, at) => question.answer(numberOf(replies[at]?.[1]), reached));
    } catch (error) {
      for (const question of asked) question.fail(toError(error));
    }
  };

  /** The client of a Cluster follows the redirection of a command, and knows the new owner then; but not that of a pipeline. */
  const followRedirection = async (asked: readonly Question[]): Promise<void> => {
    await Promise.allSettled(asked.map(({ key }) => redis.get(key)));
  };

  const ask = (key: string, endMs: number): Promise<{ readonly number: number; readonly reached: Reached }> =>
    new Promise((resolve, reject) => {
      questions.push({ key, endMs, answer: (number, reached) => resolve({ number, reached }), fail: reject });
      void askAll();
    });

  return {
    async confirm({ key, number }) {
      const endMs = now() + durability.timeoutMs;
      let reached = NOTHING;
      try {
        do {
          const answer = await ask(key, endMs);
          if (answer.number !== number) return { status: 'in_doubt', error: forgotten() };
          ({ reached } = answer);
          if (isReached(durability, reached)) return { status: 'confirmed' };
        } while (now() < endMs && !closed);
      } catch (cause) {
        const error = toError(cause);
        if (isReplyError(error) && !isTransientReply(error)) return { status: 'unconfirmed', reached, error };
        if (!closed) return { status: 'in_doubt', error };
      }
      return {
        status: 'unconfirmed',
        reached,
        error: new Error(describeMissing(durability, reached, closed)),
      };
    },
    close() {
      closed = true;
      redis.disconnect();
    },
  };
}

function forgotten(): Error {
  return new Error('Redis no longer has the batch: it went back, or another server is the primary now');
}

/** The number of the last batch; NaN if Redis knows none. */
function numberOf(value: unknown): number {
  return Number.parseInt(String(value), 10);
}
