import { isAfter, type EntryId } from '@streamfold/core';
import { ConfigurationError, shardKeys, type RedisConnection } from '@streamfold/redis';
import { buildSegment, SEGMENT_BOUNDS, type SegmentBounds } from './build-segment.ts';
import { findClosedEnd } from './closed-end.ts';
import { BEFORE_ALL, LogError } from './log-error.ts';
import { markAges } from './mark-ages.ts';
import type { Archive } from './open-archive.ts';
import { readArchived, type Archived } from './read-archived.ts';
import { readNewestSegment } from './read-segments.ts';
import { recordArchived } from './record-archived.ts';
import {
  dataName,
  encodeManifest,
  folderOf,
  manifestName,
  namePrefix,
  parseDataName,
  type Segment,
} from './segment.ts';
import { StoreError } from './store-error.ts';
import { createByteReader } from './stream-page.ts';

export interface ArchiveOptions {
  readonly prefix: string;
  readonly shard: number;
  readonly shards: number;
  readonly archive: Archive;
  /** Entries younger than this are not archived yet: a crash or a failover of Redis may take them back. */
  readonly settleMs: number;
  /** Go on behind entries that are gone, and write down how many they are, instead of failing. */
  readonly acceptGap?: boolean;
  /** Write nothing, and tell of what would be written. */
  readonly dryRun?: boolean;
  readonly bounds?: SegmentBounds;
  readonly onSegment?: (segment: Segment) => void;
  readonly stop?: AbortSignal;
}

/**
 * Archives what is closed of a shard's stream, segment after segment, until nothing is left or `stop` is aborted:
 *
 *   data ──▶ manifest, only if there is none of that number ──▶ record in Redis
 *
 * The manifest is the commit. Died before it, there is a file of data that nobody names, and the next run removes it;
 * died behind it, the next run records it. Of several archivers at once one writes a segment, the others go on behind it.
 *
 * @returns how many entries were archived.
 * @throws {LogError} where entries behind the last segment are gone from the stream, or Redis has gone back to an older
 *   state, or the archive is another one than before.
 */
export async function archiveShard(redis: RedisConnection, options: ArchiveOptions): Promise<number> {
  const { prefix, shard, archive, settleMs, dryRun = false, onSegment, stop } = options;
  const reader = createByteReader(redis, shardKeys(prefix, shard).events);
  if (!dryRun) await markAges(redis, options);
  let archivedEntries = 0;
  let planned: Segment | undefined; // in a dry run nobody finds it in the archive
  while (stop?.aborted !== true) {
    const previous = planned ?? (await findPrevious(redis, options));
    const to = await findClosedEnd(redis, options, settleMs);
    if (to === undefined || !isAfter(to, previous?.lastId ?? BEFORE_ALL)) break;
    const { shards, bounds = SEGMENT_BOUNDS, acceptGap = false } = options;
    const build = await buildSegment(reader, { shard, shards, previous, to, bounds, acceptGap });
    if (build.outcome === 'empty') break;
    if (build.outcome !== 'built') {
      if (!(await isOvertaken(archive, shard, previous))) throw toError(build, shard, previous);
      continue;
    }
    const { segment, data, full } = build;
    if (dryRun) planned = segment;
    else if (!(await commitSegment(archive, segment, data))) continue;
    else await recordArchived(redis, prefix, segment);
    archivedEntries += segment.entries;
    onSegment?.(segment);
    if (!full) break;
  }
  return archivedEntries;
}

/** The newest segment, recorded in Redis if a crash came between. @throws where archive and Redis do not belong together. */
async function findPrevious(
  redis: RedisConnection,
  { prefix, shard, shards, archive, dryRun = false }: ArchiveOptions,
): Promise<Segment | undefined> {
  const archived = await readArchived(redis, prefix, shard);
  const newest = await readNewestSegment(archive, shard, archived?.sequence);
  if (newest !== undefined && newest.shards !== shards) {
    throw new ConfigurationError(
      `archive ${archive.url}: expected segments of ${shards} shards; got one of ${newest.shards}`,
    );
  }
  if (archived !== undefined && archived.sequence > (newest?.sequence ?? 0)) {
    throw otherArchive(archive, { shard, archived, newest });
  }
  if (newest === undefined || newest.sequence === archived?.sequence || dryRun) return newest;
  await removeLeftovers(archive, newest);
  await recordArchived(redis, prefix, newest);
  return newest;
}

function otherArchive(
  { url }: Archive,
  { shard, archived, newest }: { shard: number; archived: Archived; newest: Segment | undefined },
): LogError {
  const here = newest === undefined ? 'none' : `segments up to ${newest.sequence}`;
  return new LogError({
    reason: 'segment_missing',
    shard,
    after: newest?.lastId ?? BEFORE_ALL,
    to: archived.lastId,
    detail: `expected segments up to ${archived.sequence} in ${url}, as Redis has recorded; there are ${here}`,
  });
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

/** Removes data for the number of a segment that its manifest does not name: their writer died, or will find it taken. */
async function removeLeftovers({ store }: Pick<Archive, 'store'>, segment: Segment): Promise<void> {
  const { shard, sequence } = segment;
  const own = dataName(shard, segment);
  for (const name of await store.list(folderOf(shard), namePrefix(sequence))) {
    const path = `${folderOf(shard)}/${name}`;
    if (parseDataName(name) === sequence && path !== own) await store.remove(path);
  }
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
    const how = entries === undefined ? 'entries' : `${entries} entries`;
    const detail = `${how} were trimmed from the stream before they were archived`;
    return new LogError({ reason: 'gap', shard, after, to, entries, detail });
  }
  const to: EntryId = previous?.lastId ?? BEFORE_ALL;
  const position = previous === undefined ? 0 : previous.entriesBefore + previous.entries;
  return new LogError({
    reason: 'stream_behind',
    shard,
    after: build.lastGeneratedId,
    to,
    detail: `the archive has entries up to ${to}, ${position} were ever added by then; the stream has come to ${build.lastGeneratedId} with ${build.added}: Redis has gone back to an older state, or is new`,
  });
}
