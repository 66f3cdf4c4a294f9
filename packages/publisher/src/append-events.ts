import { loadScript, STREAM_LUA, type RedisConnection } from '@streamfold/redis';
import type { Batch } from './batch.ts';

const script = loadScript(new URL('../lua/append-events.lua', import.meta.url), STREAM_LUA);

/** One attempt to append a batch. */
export interface AppendCall {
  /** Stream, events' ids, the publisher's last batch. */
  readonly keys: readonly [string, string, string];
  readonly number: number;
  readonly windowMs: number;
  /** Redis time, ms, after which nothing must be appended. */
  readonly deadlineMs: number;
  readonly batch: Batch;
}

export interface AppendedReply {
  readonly status: 'appended';
  /** Empty if all events were duplicates. */
  readonly entryId: string;
  /** The parts of the batch that were left out as duplicates. */
  readonly leftOut: ReadonlySet<number>;
  readonly redisTimeMs: number;
}

/** `late` is certain: this attempt has appended nothing. */
type AppendReply = AppendedReply | { readonly status: 'late'; readonly redisTimeMs: number };

/**
 * EVALSHA append-events 3 stream ids last-batch number window deadline form …
 *
 * Appends a batch, at most once for its number however often it is called. Rejects with the error reply of Redis, or with
 * an error of the connection; then it is unknown whether the batch was appended.
 */
export async function appendEvents(redis: RedisConnection, call: AppendCall): Promise<AppendReply> {
  const args = [call.number, call.windowMs, Math.floor(call.deadlineMs), ...call.batch.args];
  return decodeReply(await script.run(redis, call.keys, args));
}

function decodeReply(reply: unknown): AppendReply {
  const [status, entryId, duplicates, redisTimeMs] = reply as [string, string, string, number];
  if (status === 'late') return { status, redisTimeMs };
  const leftOut = new Set(duplicates === '' ? [] : duplicates.split(',').map((number) => Number(number) - 1));
  return { status: 'appended', entryId, leftOut, redisTimeMs };
}
