import { isAfter, type EntryId } from '@streamfold/core';
import { type Installation, type RedisConnection, type Shard, shardKeys } from '@streamfold/redis';
import { recordArchiveStop, toArchiveStop } from './archive-stop.ts';
import { buildSegment, SEGMENT_BOUNDS, type SegmentBounds } from './build-segment.ts';
import { findClosedEnd } from './closed-end.ts';
import { countEntries } from './count-entries.ts';
import { findPrevious, type Continuation } from './find-previous.ts';
import { BEFORE_ALL, LogError } from './log-error.ts';
import { markAges } from './mark-ages.ts';
import type { Archive } from './open-archive.ts';
import { readNewestSegment } from './read-segments.ts';
import { recordArchived } from './record-archived.ts';
import { removeLeftovers } from './remove-leftovers.ts';
import { dataName, encodeManifest, folderOf, manifestName, positionBehind, type Segment } from './segment.ts';
import { StoreError } from './store-error.ts';
import { createByteReader } from './stream-page.ts';

export interface ArchiveOptions extends Installation, Shard {
  readonly archive: Archive;
  /** Entries younger than this are not archived yet: a crash or a failover of Redis may take them back. */
  readonly settleMs: number;
  /** Continue after entries that are gone, and write down their number, instead of failing. */
  readonly acceptGap?: boolean;
  /** Write nothing, and report what would be written. */
  readonly dryRun?: boolean;
  readonly bounds?: SegmentBounds;
  readonly onSegment?: (segment: Segment) => void;
  readonly stop?: AbortSignal;
}

/**
 * Archives the closed part of a shard's stream, segment after segment, until nothing is left or `stop` is aborted:
 *
 *   data ──▶ manifest, only if there is none of that number ──▶ record in Redis
 *
 * The manifest is the commit. If an archiver dies before it, no manifest names the data, and the next run removes them; if
 * it dies after it, the next run records the segment. Of several archivers at once one writes a segment, the others continue
 * after it. If archiving fails, Redis keeps the reason (`readArchiveStop`) until it succeeds again.
 *
 * @returns the number of entries archived.
 * @throws {LogError} if entries after the last segment are gone from the stream, or archive and Redis do not belong
 *   together.
 * @throws {StoreError} if the place of the archive cannot be read or written.
 * @throws {ConfigurationError} if it is not fit for an archive.
 */
export async function archiveShard(redis: RedisConnection, options: ArchiveOptions): Promise<number> {
  if (options.dryRun === true) return archiveClosed(redis, options);
  try {
    await markAges(redis, options);
    const entries = await archiveClosed(redis, options);
    await recordArchiveStop(redis, options, undefined);
    return entries;
  } catch (error) {
    const stopped = toArchiveStop(error);
    if (stopped !== undefined) await recordArchiveStop(redis, options, stopped);
    throw error;
  }
}

async function archiveClosed(redis: RedisConnection, options: ArchiveOptions): Promise<number> {
  const { prefix, shard, archive, settleMs, dryRun = false, onSegment, stop } = options;
  const reader = createByteReader(redis, shardKeys(options).events);
  let archivedEntries = 0;
  let planned: Continuation | undefined; // a dry run writes no segment that the next step could find
  while (stop?.aborted !== true) {
    const { previous, history } = planned ?? (await findPrevious(redis, options));
    const to = await findClosedEnd(redis, options, settleMs);
    if (to === undefined || !isAfter(to, previous?.lastId ?? BEFORE_ALL)) break;
    const { shards, bounds = SEGMENT_BOUNDS, acceptGap = false } = options;
    const build = await buildSegment(reader, { shard, shards, previous, history, to, bounds, acceptGap });
    if (build.outcome === 'empty') break;
    if (build.outcome !== 'built') {
      if (!(await isOvertaken(archive, shard, previous))) throw toError(build, shard, previous);
      continue;
    }
    const { segment, data, full } = build;
    if (dryRun) planned = { previous: segment, history };
    else if (!(await commitSegment(archive, segment, data))) continue;
    else await recordArchived(redis, { prefix }, segment);
    archivedEntries += segment.entries;
    onSegment?.(segment);
    if (!full) break;
  }
  return archivedEntries;
}

/** True if the segment is this one's; false if another archiver was first. What a refused attempt wrote is removed. */
async function commitSegment({ store }: Archive, segment: Segment, data: Buffer): Promise<boolean> {
  const { shard, sequence } = segment;
  const name = dataName(shard, segment);
  await store.prepare(folderOf(shard));
  await store.write(name, data);
  const isNamed = async (): Promise<boolean> =>
    (await store.read(manifestName(shard, sequence)))?.includes(segment.sha256) === true;
  try {
    const outcome = await store.create(manifestName(shard, sequence), encodeManifest(segment));
    if (outcome === 'created') {
      await removeLeftovers({ store }, segment);
      return true;
    }
  } catch (error) {
    if (error instanceof StoreError && error.refused) {
      await store.remove(name);
      if (await isNamed()) await store.write(name, data); // another archiver has just committed the same entries
    }
    throw error;
  }
  if (!(await isNamed())) await store.remove(name);
  return false;
}

async function isOvertaken(archive: Archive, shard: number, previous: Segment | undefined): Promise<boolean> {
  const newest = await readNewestSegment(archive, shard, previous?.sequence);
  return (newest?.sequence ?? 0) > (previous?.sequence ?? 0);
}

function toError(
  build: Exclude<Awaited<ReturnType<typeof buildSegment>>, { outcome: 'built' | 'empty' }>,
  shard: number,
  previous: Segment | undefined,
): LogError {
  if (build.outcome === 'hole') {
    const { after, to, entries } = build.hole;
    const how = entries === undefined ? 'entries were' : countEntries(entries, 'were');
    const detail = `${how} trimmed from the stream before they were archived`;
    return new LogError({ reason: 'gap', shard, after, to, entries, detail });
  }
  const to: EntryId = previous?.lastId ?? BEFORE_ALL;
  const position = previous === undefined ? 0 : positionBehind(previous);
  return new LogError({
    reason: 'stream_behind',
    shard,
    after: build.lastGeneratedId,
    to,
    detail: `the archive has entries up to ${to}, ${position} were ever added by then; the stream has come to ${build.lastGeneratedId} with ${build.added}: Redis has gone back to an older state, or is new`,
  });
}
