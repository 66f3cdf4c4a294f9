import {
  archiveShard,
  LogError,
  readArchiveStop,
  trimStream,
  type Archive,
  type ArchiveStopReason,
} from '@streamfold/archive';
import {
  askAll,
  type Installation,
  listShards,
  type RedisConnection,
  shardKeys,
  toError,
  whenReady,
} from '@streamfold/redis';
import { createCondition } from '../run/condition.ts';
import type { Observe } from '../run/fact.ts';
import type { Pause } from '../run/retry.ts';
import type { Actor } from '../run/run-group.ts';

/** How an aggregator archives and trims. */
export interface Archiving {
  /** Without an archive, only the retention applies. */
  readonly archive: Archive | undefined;
  /** How often a shard is archived and trimmed, by the first aggregator that finds it due. */
  readonly everyMs: number;
  /** Entries younger than this are not archived yet. */
  readonly settleMs: number;
  /** Entries older than this are trimmed; `undefined`: none are. */
  readonly retentionMs: number | undefined;
}

export interface ArchivingContext extends Installation {
  readonly redis: RedisConnection;
  /** Unique to this process. */
  readonly holder: string;
  readonly observe: Observe;
  readonly pause: Pause;
}

/** Longest interval between checks whether a shard is due. */
const LOOK_MS = 10_000;
/** A failed attempt is repeated after this time, so that an unreachable store is not asked all the time. */
const RETRY_MS = 30_000;
const READY_TIMEOUT_MS = 5_000;
/** Shards that are archived at a time: each takes two pages of its stream in memory, and a connection to read them. */
const SHARDS_AT_ONCE = 4;

/**
 * Archives and trims each shard when it is due. A failure is reported once and the attempt repeated; aggregating
 * continues meanwhile. Shards that cannot be archived are a condition of every aggregator, whichever of them has tried.
 * When stopped, it finishes the current segment.
 */
export function keepArchive(archiving: Archiving, context: ArchivingContext): Actor {
  const { redis, observe, pause } = context;
  const reportStops = createStopReport(archiving, context);
  return async (stop) => {
    let failing = false;
    while (!stop.aborted) {
      try {
        await whenReady(redis, READY_TIMEOUT_MS);
        try {
          await keepShards({ archiving, context, stop });
        } finally {
          await reportStops();
        }
        if (failing) observe({ type: 'recovered', step: 'archive', shard: undefined });
        failing = false;
      } catch (cause) {
        const error = toError(cause);
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

/** Raises a condition for each shard whose archiving has stopped, and clears it when it continues. */
function createStopReport({ archive }: Archiving, context: ArchivingContext): () => Promise<void> {
  const { redis, observe } = context;
  const report = createCondition('archive_stopped', observe);
  return async () => {
    if (archive === undefined) return;
    const counts = new Map<ArchiveStopReason, number>();
    const stops = await askAll(listShards(context), (shard) => readArchiveStop(redis, shard));
    for (const [shard, stopped] of stops.entries()) {
      report(shard, stopped && `${stopped.reason}: ${stopped.detail}`);
      if (stopped !== undefined) counts.set(stopped.reason, (counts.get(stopped.reason) ?? 0) + 1);
    }
    observe({ type: 'archive_stops_counted', shards: counts });
  };
}

/** All shards, even if one of them fails: a gap in one must not stop archiving and trimming of the others. */
async function keepShards(options: KeepOptions): Promise<void> {
  await askAll(listShards(options.context), ({ shard }) => keepShard(shard, options), SHARDS_AT_ONCE);
}

/**
 * SET archiver holder NX PX every
 *
 * The aggregator that has set it does the work, for this time: several at once would be safe, but would read the stream
 * for nothing.
 */
async function keepShard(shard: number, { archiving, context, stop }: KeepOptions): Promise<void> {
  const { archive, everyMs, settleMs, retentionMs } = archiving;
  const { redis, prefix, shards, holder, observe } = context;
  const { archiver } = shardKeys({ prefix, shard });
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
    // A log that cannot be continued waits for an operator's decision; anything else is due again at once.
    const undecided = error instanceof LogError;
    if (!undecided && (await redis.get(archiver)) === holder) await redis.del(archiver);
    throw error;
  }
}
