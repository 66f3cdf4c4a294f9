import { isAfter, type EntryId } from '@streamfold/core';
import {
  ConfigurationError,
  type Installation,
  type RedisConnection,
  runTransaction,
  type Shard,
  shardKeys,
} from '@streamfold/redis';
import { beginRestored } from './begin-restored.ts';
import { countEntries } from './count-entries.ts';
import { describeStream } from './describe-stream.ts';
import { BEFORE_ALL } from './log-error.ts';
import type { Archive } from './open-archive.ts';
import { readSegmentBytes } from './read-segment.ts';
import { readNewestSegment, readSegments } from './read-segments.ts';
import { recordArchived } from './record-archived.ts';
import type { Segment } from './segment.ts';
import { trimStream } from './trim-stream.ts';

export interface RestoreOptions extends Installation, Shard {
  readonly archive: Archive;
  /** Restored entries that are older than this are trimmed again as soon as they are folded. */
  readonly retentionMs: number;
  /** Entries that may wait in the stream to be folded and trimmed; at this number the restore waits too. */
  readonly mostAhead: number;
  /** Waits `ms`, or until `stop` is aborted. */
  readonly pause: (ms: number, stop: AbortSignal) => Promise<void>;
  readonly stop: AbortSignal;
  readonly onProgress: (progress: RestoreProgress) => void;
}

export interface RestoreProgress {
  readonly entries: number;
  readonly ofEntries: number;
  /** Nothing is appended until an aggregator has folded the entries in the stream. */
  readonly waiting: boolean;
}

/** How often a waiting restore looks whether entries were folded. */
const WAIT_MS = 200;

/**
 * Appends the entries of an archive to an empty stream, with the IDs that they had: aggregators fold them like live
 * ones, and the next entry that is published comes after them. Each step can be repeated: interrupted or killed
 * anywhere, the same restore resumes from there. No client may publish until it is done.
 *
 * @returns the number of entries appended.
 * @throws {ConfigurationError} if the stream holds an entry that is not of the archive.
 * @throws {LogError} if a segment is missing or damaged: nothing of it, nor of later ones, is appended.
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
  const { events } = shardKeys(options);
  await beginRestored(redis, events);
  const start = await describeStream(redis, events);
  const cursor = start.lastGeneratedId;
  if (isAfter(cursor, newest.lastId)) throw notEmpty(events, `it has come to ${cursor}`);
  // From now on it may be trimmed up to there, as before.
  await recordArchived(redis, { prefix }, newest);
  const ofEntries = newest.entriesBefore + newest.entries;
  let position = start.gone + start.length;
  let appended = 0;
  for await (const segment of readSegments(archive, shard, { after: cursor })) {
    position = await skipMissing(redis, events, { segment, cursor, position });
    let seen = segment.entriesBefore;
    for await (const page of readSegmentBytes(archive, segment)) {
      const behind = page.filter(({ id }) => isAfter(id, cursor));
      seen += page.length;
      if (behind.length === 0) continue;
      if (position !== seen - behind.length) {
        throw notEmpty(
          events,
          `${countEntries(position, 'were')} ever added to it, and the archive has ${seen - behind.length} up to there`,
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

/**
 * MULTI, XADD key id field value … for each entry, EXEC
 *
 * All of them or none, so that an entry that Redis has no room for leaves none behind it appended.
 */
async function append(
  redis: RedisConnection,
  events: string,
  entries: readonly { readonly id: EntryId; readonly fields: readonly Buffer[] }[],
): Promise<void> {
  const transaction = redis.multi();
  for (const { id, fields } of entries) transaction.call('xadd', [events, id, ...fields]);
  const results = (await runTransaction(transaction)) ?? [];
  for (const [at, [cause]] of results.entries()) {
    if (cause === null) continue;
    if (!cause.message.includes('equal or smaller')) throw cause;
    const id = entries[at]?.id ?? '';
    throw notEmpty(events, `somebody published while ${id} was to be restored`, cause);
  }
}

/**
 * Entries that the archive never had were added too: the stream counts them, so that archive and stream continue each
 * other. Returns the number of entries ever added up to the beginning of the segment.
 */
async function skipMissing(
  redis: RedisConnection,
  events: string,
  { segment, cursor, position }: { segment: Segment; cursor: EntryId; position: number },
): Promise<number> {
  const { missing, entriesBefore, firstId, previous } = segment;
  if (missing === 0 || !isAfter(firstId, cursor) || position >= entriesBefore) return position;
  await beginRestored(redis, events, { id: previous?.lastId ?? BEFORE_ALL, added: entriesBefore });
  return entriesBefore;
}

/** Trims what may go, and waits while more than `mostAhead` entries are in the stream. */
async function waitForRoom(
  redis: RedisConnection,
  options: RestoreOptions & { readonly position: number; readonly ofEntries: number },
): Promise<void> {
  const { prefix, shard, retentionMs, mostAhead, pause, stop, onProgress, position, ofEntries } = options;
  const { events } = shardKeys(options);
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
