import { archiveShard, trimStream, type Archive } from '@streamfold/archive';
import { shardKeys, whenReady, type RedisConnection } from '@streamfold/redis';
import type { Observe } from '../run/fact.ts';
import type { Pause } from '../run/retry.ts';
import type { Actor } from '../run/run-group.ts';

/** What an aggregator does for the log beyond Redis. */
export interface Archiving {
  /** Without one, only the retention is kept. */
  readonly archive: Archive | undefined;
  /** How often a shard is archived and trimmed, by whichever aggregator comes first. */
  readonly everyMs: number;
  /** Entries younger than this are not archived yet. */
  readonly settleMs: number;
  /** Entries older than this are trimmed; `undefined`: none ever is. */
  readonly retentionMs: number | undefined;
}

export interface ArchivingContext {
  readonly redis: RedisConnection;
  readonly prefix: string;
  readonly shards: number;
  /** Of this process alone. */
  readonly holder: string;
  readonly observe: Observe;
  readonly pause: Pause;
}

/** It is looked this often at least whether a shard is due. */
const LOOK_MS = 10_000;
/** After a failure it is tried again; a store that is away is not asked all the time. */
const RETRY_MS = 30_000;
const READY_TIMEOUT_MS = 5_000;

/**
 * Archives and trims each shard when it is due. What fails is told once and tried again: aggregating goes on meanwhile.
 * Told to stop, it ends with the segment in hand.
 */
export function keepArchive(archiving: Archiving, context: ArchivingContext): Actor {
  const { redis, observe, pause } = context;
  return async (stop) => {
    let failing = false;
    while (!stop.aborted) {
      try {
        await whenReady(redis, READY_TIMEOUT_MS);
        await keepShards({ archiving, context, stop });
        if (failing) observe({ type: 'recovered', step: 'archive', shard: undefined });
        failing = false;
      } catch (cause) {
        const error = cause instanceof Error ? cause : new Error(String(cause));
        if (!failing) observe({ type: 'failed', step: 'archive', shard: undefined, error });
        failing = true;
      }
      await pause(Math.min(archiving.everyMs, failing ? RETRY_MS : LOOK_MS), stop);
    }
  };
}

interface KeepOptions {
  readonly archiving: Archiving;
  readonly context: ArchivingContext;
  readonly stop: AbortSignal;
}

/** All shards, also where one of them fails: a gap in one must not keep the others from being archived and trimmed. */
async function keepShards(options: KeepOptions): Promise<void> {
  const failures: unknown[] = [];
  for (let shard = 0; shard < options.context.shards; shard++) {
    await keepShard(shard, options).catch((cause: unknown) => failures.push(cause));
  }
  if (failures.length > 0) throw failures[0];
}

/**
 * SET archiver holder NX PX every
 *
 * Who has set it does the work, for this time: several at once would be safe, and read the stream for nothing.
 */
async function keepShard(shard: number, { archiving, context, stop }: KeepOptions): Promise<void> {
  const { archive, everyMs, settleMs, retentionMs } = archiving;
  const { redis, prefix, shards, holder, observe } = context;
  const { archiver } = shardKeys(prefix, shard);
  if ((await redis.set(archiver, holder, 'PX', everyMs, 'NX')) === null) return;
  try {
    if (archive !== undefined) {
      await archiveShard(redis, {
        prefix,
        shard,
        shards,
        archive,
        settleMs,
        stop,
        onSegment: ({ sequence, entries, bytes }) =>
          observe({ type: 'segment_archived', shard, sequence, entries, bytes }),
      });
    }
    if (retentionMs === undefined || stop.aborted) return;
    const onlyArchived = archive !== undefined;
    const entries = await trimStream(redis, { prefix, shard, retentionMs, onlyArchived });
    if (entries > 0) observe({ type: 'entries_trimmed', shard, entries });
  } catch (error) {
    if ((await redis.get(archiver)) === holder) await redis.del(archiver); // due again at once
    throw error;
  }
}
