import { isAfter, type EntryId } from '@streamfold/core';
import { ConfigurationError, shardKeys, type RedisConnection } from '@streamfold/redis';
import { describeStream } from './describe-stream.ts';
import { BEFORE_ALL } from './log-error.ts';
import type { Archive } from './open-archive.ts';
import { readSegmentBytes } from './read-segment.ts';
import { readNewestSegment, readSegments } from './read-segments.ts';
import { recordArchived } from './record-archived.ts';
import type { Segment } from './segment.ts';
import { trimStream } from './trim-stream.ts';

export interface RestoreOptions {
  readonly prefix: string;
  readonly shard: number;
  readonly shards: number;
  readonly archive: Archive;
  /** Restored entries that are older than this are trimmed again as soon as they are folded. */
  readonly retentionMs: number;
  /** Entries that may wait in the stream to be folded and trimmed; then the restore waits too. */
  readonly mostAhead: number;
  /** Waits so many ms, or until `stop` is aborted. */
  readonly pause: (ms: number, stop: AbortSignal) => Promise<void>;
  readonly stop: AbortSignal;
  readonly onProgress: (progress: RestoreProgress) => void;
}

export interface RestoreProgress {
  readonly entries: number;
  readonly ofEntries: number;
  /** Nothing is appended until an aggregator has folded what waits. */
  readonly waiting: boolean;
}

/** How often it is looked whether what waits was folded. */
const WAIT_MS = 200;

/**
 * Appends the entries of an archive to an empty stream, with the IDs that they had: aggregators fold them as they fold
 * live ones, and the next entry that anybody publishes comes behind them. Interrupted, it goes on from where it was.
 * Meanwhile nobody may publish.
 *
 * @returns how many entries were appended.
 * @throws {ConfigurationError} where the stream holds anything that is not of the archive.
 * @throws {LogError} where a segment is missing or damaged: nothing of it, nor of later ones, is appended.
 */
export async function restoreShard(redis: RedisConnection, options: RestoreOptions): Promise<number> {
  const { prefix, shard, shards, archive, stop, onProgress } = options;
  const newest = await readNewestSegment(archive, shard);
  if (newest === undefined) return 0;
  if (newest.shards !== shards) {
    throw new ConfigurationError(
      `archive ${archive.url}: expected segments of ${shards} shards; got one of ${newest.shards}`,
    );
  }
  const { events } = shardKeys(prefix, shard);
  const start = await describeStream(redis, events);
  const cursor = start.lastGeneratedId;
  if (isAfter(cursor, newest.lastId)) throw notEmpty(events, `it has come to ${cursor}`);
  // From now on it may be trimmed up to there, as before.
  await recordArchived(redis, prefix, newest);
  const ofEntries = newest.entriesBefore + newest.entries;
  let position = start.gone + start.length;
  let appended = 0;
  for await (const segment of readSegments(archive, shard, { after: cursor })) {
    position = await skipMissing(redis, { events, segment, cursor, position });
    let seen = segment.entriesBefore;
    for await (const page of readSegmentBytes(archive, segment)) {
      const behind = page.filter(({ id }) => isAfter(id, cursor));
      seen += page.length;
      if (behind.length === 0) continue;
      if (position !== seen - behind.length) {
        throw notEmpty(
          events,
          `${position} entries were ever added to it, and the archive has ${seen - behind.length} up to there`,
        );
      }
      await append(redis, events, behind);
      position += behind.length;
      appended += behind.length;
      onProgress({ entries: position, ofEntries, waiting: false });
      await waitForRoom(redis, { ...options, position, ofEntries });
      if (stop.aborted) return appended;
    }
  }
  return appended;
}

/** XADD key id field value …, one command an entry; in order, so that one that fails leaves none behind it appended. */
async function append(
  redis: RedisConnection,
  events: string,
  entries: readonly { readonly id: EntryId; readonly fields: readonly Buffer[] }[],
): Promise<void> {
  const results = await Promise.allSettled(
    entries.map(({ id, fields }) => redis.call('xadd', [events, id, ...fields])),
  );
  for (const [at, result] of results.entries()) {
    if (result.status === 'fulfilled') continue;
    const cause: unknown = result.reason;
    const text = cause instanceof Error ? cause.message : String(cause);
    if (!text.includes('equal or smaller')) throw cause;
    throw notEmpty(events, `somebody published while ${entries[at]?.id ?? ''} was to be restored`, cause);
  }
}

/**
 * XSETID events id ENTRIESADDED n
 *
 * Entries that the archive never had were added too: what is told of the stream counts them, so that archive and stream
 * go on from each other.
 */
async function skipMissing(
  redis: RedisConnection,
  {
    events,
    segment,
    cursor,
    position,
  }: { events: string; segment: Segment; cursor: EntryId; position: number },
): Promise<number> {
  const { missing, entriesBefore, firstId } = segment;
  if (missing === 0 || !isAfter(firstId, cursor) || position >= entriesBefore) return position;
  if (position === 0) await redis.xgroup('CREATE', events, 'restore', '0', 'MKSTREAM');
  const id = segment.previous?.lastId ?? BEFORE_ALL;
  await redis.call('xsetid', events, id, 'ENTRIESADDED', String(entriesBefore), 'MAXDELETEDID', BEFORE_ALL);
  if (position === 0) await redis.xgroup('DESTROY', events, 'restore');
  return entriesBefore;
}

/** Trims what may go, and waits while more than `mostAhead` entries are in the stream. */
async function waitForRoom(
  redis: RedisConnection,
  options: RestoreOptions & { readonly position: number; readonly ofEntries: number },
): Promise<void> {
  const { prefix, shard, retentionMs, mostAhead, pause, stop, onProgress, position, ofEntries } = options;
  const { events } = shardKeys(prefix, shard);
  while (!stop.aborted && (await redis.xlen(events)) > mostAhead) {
    const trimmed = await trimStream(redis, { prefix, shard, retentionMs, onlyArchived: true });
    if (trimmed > 0) continue;
    onProgress({ entries: position, ofEntries, waiting: true });
    await pause(WAIT_MS, stop);
  }
}

function notEmpty(events: string, detail: string, cause?: unknown): ConfigurationError {
  return new ConfigurationError(
    `restore: expected ${events} to be empty, or to hold what an earlier restore of this archive appended; ${detail}`,
    { cause },
  );
}
