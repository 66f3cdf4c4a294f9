import { compareStamps, isAfter, type EntryId } from '@streamfold/core';
import { type RedisConnection, type Shard, shardKeys } from '@streamfold/redis';
import { countEntries } from './count-entries.ts';
import type { StreamExtent } from './describe-stream.ts';
import type { EntryBytes } from './entry-bytes.ts';
import type { LogEntry } from './entry-line.ts';
import { BEFORE_ALL, LogError } from './log-error.ts';
import type { Archive } from './open-archive.ts';
import { readArchived } from './read-archived.ts';
import { openSegments, readLines, type OpenSegment } from './read-segment.ts';
import { readNewestSegment, readSegments } from './read-segments.ts';
import { positionBehind, type Segment } from './segment.ts';
import { createStreamPages, type StreamPages } from './read-stream.ts';
import { decodeStored, type StoredEntries } from './stored-entries.ts';
import { findHole, type KnownPlace } from './stream-page.ts';

/** The log of a shard: its stream, and its archive if it has one. */
export interface Log extends Shard {
  readonly archive: Archive | undefined;
}

/** Where entries of a log come from. */
export interface LogOrigin {
  readonly source: 'archive' | 'stream';
  /** Sequence number of the segment that they are from; `undefined` from the stream. */
  readonly segment: number | undefined;
  /** They are the last of their segment. */
  readonly endsSegment: boolean;
}

/** Some entries of a log, in the order of their IDs. */
export interface LogPage extends LogOrigin {
  readonly entries: readonly LogEntry[];
}

/** The same as bytes. They are valid until the next page is asked for: the memory is used again. */
export interface StoredPage extends LogOrigin, StoredEntries {}

export interface LogRange {
  /** Begin after this entry; by default with the first. */
  readonly after?: EntryId;
  /** End with this entry; by default with the last one at that time. */
  readonly to?: EntryId;
  /** Called with each hole, which is then skipped. Without it a hole is thrown. */
  readonly onGap?: (gap: LogError) => void;
}

/**
 * The entries of a shard's log in the order of their IDs, each once: first the archive, then the stream from after the
 * archive's last entry. Entries that are archived and trimmed while the log is read come from the archive. A log that
 * begins late is read from its beginning; `measureLog` counts what is missing before that.
 *
 * Cost: two segments, or two pages of some MB, in memory.
 *
 * @throws {LogError} if a range is missing or damaged, before any entry after it is given out.
 */
export async function* readLog(
  redis: RedisConnection,
  log: Log,
  range: LogRange = {},
): AsyncGenerator<LogPage> {
  for await (const page of readStoredLog(redis, log, range)) {
    const { source, segment, endsSegment } = page;
    yield { source, segment, endsSegment, entries: decodeStored(page) };
  }
}

/**
 * The same as bytes, for a fold. Opens a connection of its own to read the stream. While a page is folded, the next one is
 * read.
 */
export async function* readStoredLog(
  redis: RedisConnection,
  log: Log,
  range: LogRange = {},
): AsyncGenerator<StoredPage> {
  const stream = createStreamPages(redis, shardKeys(log).events);
  try {
    yield* readPages({ redis, stream, log }, range);
  } finally {
    stream.close();
  }
}

async function* readPages(
  { redis, stream, log }: { redis: RedisConnection; stream: StreamPages; log: Log },
  { after = BEFORE_ALL, to, onGap }: LogRange,
): AsyncGenerator<StoredPage> {
  const { shard, archive } = log;
  const raise = (gap: LogError): void => {
    if (onGap === undefined) throw gap;
    onGap(gap);
  };
  let cursor = after;
  let known: KnownPlace | undefined;
  let started = false;
  for (;;) {
    if (to !== undefined && !isAfter(to, cursor)) return;
    if (archive !== undefined) {
      const archived = await readArchived(redis, log);
      const segments = readSegments(archive, shard, { after: cursor, archived });
      for await (const opened of openSegments(archive, segments)) {
        const { segment } = opened;
        const gap = findMissing(segment, { cursor, to });
        if (gap !== undefined) raise(gap);
        for await (const page of readWithin(opened, { after: cursor, to })) yield page;
        if (to !== undefined && !isAfter(to, segment.lastId)) return;
        cursor = segment.lastId;
        known = { id: segment.lastId, position: positionBehind(segment) };
        started = true;
      }
      known ??= later(undefined, await findArchivedEnd(redis, log), cursor);
    }
    let looked = archive === undefined; // whether the archive knows nothing more about a hole
    for (;;) {
      const { entries, extent, atEnd } = await stream.read(cursor, to ?? '+');
      checkReach(extent, known, shard);
      if (!started && known === undefined) known = placeWhereItBegins(extent, cursor);
      const hole = findHole(extent, { after: cursor, known });
      if (hole !== undefined && (started || known !== undefined)) {
        if (!looked && archive !== undefined) {
          const end = await findArchivedEnd(redis, log);
          known = later(known, end, cursor);
          looked = true;
          if (end !== undefined && isAfter(end.id, cursor)) break; // archived and trimmed meanwhile
          continue;
        }
        raise(gapIn(shard, hole));
        known = { id: cursor, position: extent.gone };
      }
      started = true;
      looked = archive === undefined;
      if (entries !== undefined) {
        const { bytes } = entries;
        yield { source: 'stream', segment: undefined, endsSegment: false, form: 'reply', bytes };
        known = advance(known, { extent, cursor, entries });
        cursor = entries.lastId;
      }
      if (atEnd || (to !== undefined && !isAfter(to, cursor))) return;
    }
  }
}

/** The part of a segment that lies in the range. */
async function* readWithin(
  opened: OpenSegment,
  range: { readonly after: EntryId; readonly to: EntryId | undefined },
): AsyncGenerator<StoredPage> {
  const { segment, lines } = opened;
  for await (const bytes of readLines(opened, range)) {
    const endsSegment = bytes.byteOffset + bytes.length === lines.byteOffset + lines.length;
    yield { source: 'archive', segment: segment.sequence, endsSegment, form: 'lines', bytes };
  }
}

/** Entries that were gone before they could be archived, between two segments of the range. */
function findMissing(
  { shard, missing, previous, firstId }: Segment,
  { cursor, to }: { cursor: EntryId; to: EntryId | undefined },
): LogError | undefined {
  if (missing === 0 || previous === null || !isAfter(firstId, cursor)) return undefined;
  if (to !== undefined && !isAfter(to, previous.lastId)) return undefined;
  return gapIn(shard, { after: previous.lastId, to: firstId, entries: missing });
}

function gapIn(
  shard: number,
  { after, to, entries }: { after: EntryId; to: EntryId; entries: number | undefined },
): LogError {
  const how = entries === undefined ? 'entries are' : countEntries(entries, 'are');
  return new LogError({
    reason: 'gap',
    shard,
    after,
    to,
    entries,
    detail: `${how} in neither the archive nor the stream`,
  });
}

/** @throws {LogError} if the stream was never at the place where the archive ends. */
export function checkReach(extent: StreamExtent, known: KnownPlace | undefined, shard: number): void {
  const { firstId, lastGeneratedId, gone, length } = extent;
  if (known === undefined) return;
  const begins = firstId === undefined || isAfter(firstId, known.id);
  const fault =
    compareStamps(known.id, lastGeneratedId) > 0
      ? `the archive reaches to ${known.id}, the stream only to ${lastGeneratedId}`
      : known.position > gone + length
        ? `${countEntries(known.position, 'were')} ever added up to ${known.id}; Redis knows of ${gone + length}`
        : begins && gone < known.position
          ? `${countEntries(known.position, 'were')} ever added up to ${known.id}; the stream begins after that and has lost ${gone}`
          : undefined;
  if (fault === undefined) return;
  throw new LogError({
    reason: 'stream_behind',
    shard,
    after: lastGeneratedId,
    to: known.id,
    detail: `${fault}: Redis has gone back to an older state, or is new; see the restore of an archive`,
  });
}

/** Without an archive nothing is known of the time before: a log that begins after `cursor` begins there. */
function placeWhereItBegins({ firstId, gone }: StreamExtent, cursor: EntryId): KnownPlace | undefined {
  return firstId === undefined || isAfter(firstId, cursor) ? { id: cursor, position: gone } : undefined;
}

/** Where the end of a page is, if it can be known. */
function advance(
  known: KnownPlace | undefined,
  page: { extent: StreamExtent; cursor: EntryId; entries: EntryBytes },
): KnownPlace | undefined {
  const { extent, cursor, entries } = page;
  const { firstId, lastId, count } = entries;
  if (extent.firstId === firstId) return { id: lastId, position: extent.gone + count };
  return known?.id === cursor ? { id: lastId, position: known.position + count } : known;
}

/** Where the archive ends, as Redis has recorded it; if it has recorded nothing, where its newest segment ends. */
async function findArchivedEnd(redis: RedisConnection, log: Log): Promise<KnownPlace | undefined> {
  const { shard, archive } = log;
  const archived = await readArchived(redis, log);
  if (archived !== undefined) return { id: archived.lastId, position: archived.position };
  const newest = archive && (await readNewestSegment(archive, shard));
  return newest && { id: newest.lastId, position: positionBehind(newest) };
}

/** The later of two places that are not behind `cursor`. */
function later(
  known: KnownPlace | undefined,
  other: KnownPlace | undefined,
  cursor: EntryId,
): KnownPlace | undefined {
  if (other === undefined || isAfter(other.id, cursor)) return known;
  return known === undefined || isAfter(other.id, known.id) ? other : known;
}

/**
 * The entries of a range that the archive has, as `readLog` gives them, and none of the stream's.
 */
export async function* readArchive(
  redis: RedisConnection,
  log: Log,
  range: LogRange = {},
): AsyncGenerator<readonly LogEntry[]> {
  for await (const { source, entries } of readLog(redis, log, range)) {
    if (source === 'stream') return;
    yield entries;
  }
}
