import {
  createReplyTap,
  followOwner,
  isRedirected,
  whenReady,
  type RedisConnection,
} from '@streamfold/redis';
import type { Redis } from 'ioredis';
import { describeDelivered } from './delivered-entry.ts';
import type { EntriesFold } from './fold-entries.ts';

/**
 * The reads of one stream, by all readers of this process. They share a connection of their own to the server that holds
 * the stream: in a Cluster it leads to the node that owns the slot. While a read waits for entries on it, other reads of new
 * entries wait too, since there are none. Reads of pending entries do not: they take the connection for commits.
 *
 * ```
 *               MOVED: read through the client of the Cluster, which then knows the owner
 *   at owner ─────────────────────────────────────────────────────────────▶ connecting to the owner
 *     │   ▲  ◀───────────────────────────────────────────────────────────────┘
 *     └───┘ ASK: read through the client of the Cluster, without waiting, until the slot has moved
 * ```
 */
export interface StreamReads {
  /**
   * Reads, and folds the entries as they arrive. No command is sent again unless Redis has replied that it was not done.
   *
   * @throws an error reply, or the loss of the connection: entries may have been delivered.
   */
  read(read: StreamRead): Promise<void>;
  /** As `whenReady` of the connection. */
  whenReady(timeoutMs: number): Promise<void>;
}

interface StreamRead {
  /** Sends the command on a connection, without BLOCK if `blockMs` is undefined. */
  readonly send: (redis: RedisConnection, blockMs: number | undefined) => Promise<unknown>;
  /** How long it waits for entries, ms; undefined: not at all. */
  readonly blockMs?: number | undefined;
  /** It reads entries that are pending already. */
  readonly isPending?: boolean;
  readonly folding: EntriesFold;
}

/** While a slot is moving, a read that would wait for entries asks for them this often. */
const REDIRECTED_EVERY_MS = 100;

export function createStreamReads({
  redis,
  readRedis,
  pause,
}: {
  /** For reads that cannot be done on `readRedis` at the moment. In a Cluster its client, which follows redirections. */
  readonly redis: RedisConnection;
  /** As `connectToOwner` opens it from `redis`. */
  readonly readRedis: Redis;
  readonly pause: (ms: number) => Promise<void>;
}): StreamReads {
  const tap = createReplyTap(readRedis);
  /** Resolves when the connection is free again. */
  let waiting: Promise<void> | undefined;

  const readThere = async ({ send, blockMs, folding }: StreamRead): Promise<void> => {
    const [stream] = ((await send(redis, undefined)) as Reply) ?? [];
    followOwner(readRedis);
    for (const [id, fields] of stream?.[1] ?? []) folding.take(describeDelivered(id, fields ?? undefined));
    if (stream === undefined && blockMs !== undefined) await pause(Math.min(blockMs, REDIRECTED_EVERY_MS));
  };

  const readHere = async (read: StreamRead): Promise<void> => {
    try {
      await tap.read(() => read.send(readRedis, read.blockMs), read.folding.parseReply());
    } catch (error) {
      if (!isRedirected(readRedis, error)) throw error;
      await readThere(read);
    }
  };

  return {
    async read(read) {
      if (read.isPending && waiting !== undefined) return readThere(read);
      while (waiting !== undefined) await waiting;
      const reading = readHere(read);
      if (read.blockMs !== undefined) {
        waiting = reading
          .catch(() => undefined) // its reader meets its failure
          .finally(() => (waiting = undefined));
      }
      await reading;
    },
    whenReady: (timeoutMs) => whenReady(readRedis, timeoutMs),
  };
}

type Reply = [key: string, entries: [id: string, fields: string[] | null][]][] | null;
