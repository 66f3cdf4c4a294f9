import {
  agreeOnShardCount,
  ConfigurationError,
  connectRedis,
  coordinationKeys,
  isReplyError,
  isTransientReply,
  shardKeys,
  toError,
  whenReady,
  type CoordinationKeys,
  type RedisConnection,
} from '@streamfold/redis';
import { swarmShard } from '@streamfold/core/swarm-shard';
import { CoordinationError } from './coordination-error.ts';
import { callWithKeys } from './call-function.ts';
import { ensureLibrary, type FunctionName } from './function-library.ts';
import { onAbort } from './on-abort.ts';
import type { CoordinatorSettings } from './options.ts';

/** The connection of one coordinator to the shard of its swarm. */
export interface Link {
  /** The keys of coordination on that shard. */
  readonly keys: CoordinationKeys;
  /**
   * Calls a function, and calls it again if the connection broke: calling any of them twice is safe. While Redis is down it
   * retries for `callTimeoutMs`.
   *
   * @param further keys that the function needs in addition to those that the arguments name, if they are known.
   * @throws {CoordinationError} `invalid` if Redis refuses the arguments; `ended` once the link is closed; the error of
   *   the connection after the time; the reason of the coordinator's signal, at once, when that is aborted.
   */
  call(name: FunctionName, args: readonly (string | number)[], further?: readonly string[]): Promise<unknown>;
  /** Opens another connection, for blocking reads; closed with the link. */
  openReader(name: string): RedisConnection;
  /** True from `close` on. */
  isClosed(): boolean;
  /** Closes all connections: calls fail from now on, at once. Idempotent. */
  close(): void;
}

/** A reply must arrive within this time. */
const REPLY_TIMEOUT_MS = 5_000;
/**
 * If beats are expected, a connection that has fallen silent is noticed in this part of the time after which the
 * coordinator is stale: a beat can then still be repeated in time. Not sooner than the least time, because Redis may be
 * slow for a moment.
 */
const REPLY_TIMEOUT_SHARE = 0.25;
const REPLY_TIMEOUT_LEAST_MS = 500;
const READY_TIMEOUT_MS = 2_000;
const PAUSE_FIRST_MS = 20;
const PAUSE_LONGEST_MS = 1_000;

export function openLink(settings: CoordinatorSettings): Link {
  const { redisUrl, prefix, shards, swarmId, coordinatorId, observer, callTimeoutMs, signal } = settings;
  const opened: RedisConnection[] = [];
  const commandTimeoutMs = replyTimeoutMs(settings.staleAfterMs);
  const open = (name: string): RedisConnection => {
    const connection = connectRedis(redisUrl, {
      name: `streamfold-${name}-${coordinatorId}`.replaceAll(' ', '-'),
      commandTimeoutMs,
      onError: (error) => observer.disconnected?.({ error }),
    });
    opened.push(connection);
    connection.connect().catch(() => undefined); // onError reports it; it keeps trying
    return connection;
  };
  const redis = open('coordinator');
  const shard = { prefix, shard: swarmShard(swarmId, shards) };
  const { events } = shardKeys(shard);
  let prepared = false;
  let closed = false;

  const refuseClosed = (cause?: unknown): CoordinationError =>
    new CoordinationError('ended', `expected a coordinator that has not left; ${coordinatorId} has`, {
      cause,
    });
  const attempt: Link['call'] = async (name, args, further = []) => {
    if (closed) throw refuseClosed();
    await whenReady(redis, READY_TIMEOUT_MS);
    if (!prepared) {
      await agreeOnShardCount(redis, settings);
      await ensureLibrary(redis);
      prepared = true;
    }
    return callWithKeys(redis, { name, events, args, further });
  };

  return {
    keys: coordinationKeys(shard),
    async call(name, args, further) {
      const deadlineMs = performance.now() + callTimeoutMs;
      for (let failures = 0; ; failures++) {
        try {
          return await untilAborted(attempt(name, args, further), signal);
        } catch (cause) {
          signal.throwIfAborted();
          if (cause instanceof CoordinationError) throw cause;
          if (closed) throw refuseClosed(cause);
          const error = toError(cause);
          if (error.message.startsWith('STREAMFOLD ')) {
            throw new CoordinationError('invalid', readRefusal(error.message), { cause });
          }
          if (isFinal(error) || performance.now() >= deadlineMs) throw error;
          const pauseMs = Math.min(PAUSE_FIRST_MS * 2 ** failures, PAUSE_LONGEST_MS);
          await pause(pauseMs, signal); // aborted: the next attempt says so
        }
      }
    },
    openReader: open,
    isClosed: () => closed,
    close() {
      closed = true;
      for (const connection of opened) connection.disconnect();
    },
  };
}

function replyTimeoutMs(staleAfterMs: number): number {
  if (staleAfterMs === 0) return REPLY_TIMEOUT_MS;
  return Math.min(REPLY_TIMEOUT_MS, Math.max(REPLY_TIMEOUT_LEAST_MS, staleAfterMs * REPLY_TIMEOUT_SHARE));
}

/** The result of `promise`, or the reason of `signal` as soon as it is aborted. */
async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  promise.catch(() => undefined); // if it is aborted, nobody waits for it
  signal.throwIfAborted();
  let ignore: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    ignore = onAbort(signal, () =>
      reject(signal.reason instanceof Error ? signal.reason : new Error('aborted')),
    );
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    ignore?.();
  }
}

/** Resolves after `ms`, or as soon as `signal` is aborted. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      ignore();
      resolve();
    };
    const timer = setTimeout(end, ms);
    const ignore = onAbort(signal, end);
  });
}

/** The error text of a function, without its position in the library, which Valkey 9 shows without the function's name. */
function readRefusal(message: string): string {
  return message.slice('STREAMFOLD '.length).replace(/ script: (?:\S+, )?on @user_function:\d+\.$/, '');
}

/** Retrying does not help: a setting does not fit, or Redis refuses the call permanently. */
function isFinal(error: Error): boolean {
  return error instanceof ConfigurationError || (isReplyError(error) && !isTransientReply(error));
}
