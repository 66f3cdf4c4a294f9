import { compareStamps, isAfter, type EntryId } from '@streamfold/core';
import { type RedisConnection, type Shard, shardKeys } from '@streamfold/redis';
import { countEntries } from './count-entries.ts';
import type { StreamExtent } from './describe-stream.ts';
import type { LogEntry } from './entry-line.ts';
import { BEFORE_ALL, LogError } from './log-error.ts';
import type { Archive } from './open-archive.ts';
import { readArchived } from './read-archived.ts';
import { readSegment } from './read-segment.ts';
import { readNewestSegment, readSegments } from './read-segments.ts';
import { positionBehind, type Segment } from './segment.ts';
import { createStreamReader, findHole, type KnownPlace } from './stream-page.ts';

/** The log of a shard: its stream, and its archive if it has one. */
export interface Log extends Shard {
  readonly archive: Archive | undefined;
}

/** Some entries of a log, in the order of their IDs. */
export interface LogPage {
  readonly source: 'archive' | 'stream';
  /** Sequence number of the segment that they are from; `undefined` from the stream. */
  readonly segment: number | undefined;
  /** They are the last of their segment. */
  readonly endsSegment: boolean;
  readonly entries: readonly LogEntry[];
}

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
 * Cost: one segment, or a page of some MB, in memory.
 *
 * @throws {LogError} if a range is missing or damaged, before any entry after it is given out.
 */
export async function* readLog(
  redis: RedisConnection,
  log: Log,
  { after = BEFORE_ALL, to, onGap }: LogRange = {},
): AsyncGenerator<LogPage> {
  const { shard, archive } = log;
  const raise = (gap: LogError): void => {
    if (onGap === undefined) throw gap;
    onGap(gap);
  };
  const reader = createStreamReader(redis, shardKeys(log).events);
  let cursor = after;
  let known: KnownPlace | undefined;
  let started = false;
  for (;;) {
    if (to !== undefined && !isAfter(to, cursor)) return;
    if (archive !== undefined) {
      const archived = await readArchived(redis, log);
      for await (const segment of readSegments(archive, shard, { after: cursor, archived })) {
        const gap = findMissing(segment, { cursor, to });
        if (gap !== undefined) raise(gap);
        for await (const page of readWithin(archive, segment, { cursor, to })) yield page;
        if (to !== undefined && !isAfter(to, segment.lastId)) return;
        cursor = segment.lastId;
        known = { id: segment.lastId, position: positionBehind(segment) };
        started = true;
      }
      known ??= later(undefined, await findArchivedEnd(redis, log), cursor);
    }
    let looked = archive === undefined; // whether the archive knows nothing more about a hole
    for (;;) {
      const { entries, extent, atEnd } = await reader.read(cursor, to ?? '+');
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
      const first = entries[0]?.[0];
      const last = entries.at(-1)?.[0];
      if (last !== undefined && first !== undefined) {
        yield { source: 'stream', segment: undefined, endsSegment: false, entries: entries.map(toLogEntry) };
        known = advance(known, { extent, cursor, first, last, count: entries.length });
        cursor = last;
      }
      if (atEnd || (to !== undefined && !isAfter(to, cursor))) return;
    }
  }
}

function toLogEntry([id, fields]: readonly [EntryId, string[]]): LogEntry {
  return { id, fields };
}

/** The part of a segment that lies in the range. */
async function* readWithin(
  archive: Archive,
  segment: Segment,
  { cursor, to }: { cursor: EntryId; to: EntryId | undefined },
): AsyncGenerator<LogPage> {
  const whole = isAfter(segment.firstId, cursor) && (to === undefined || !isAfter(segment.lastId, to));
  let seen = 0;
  for await (const page of readSegment(archive, segment)) {
    seen += page.length;
    const entries = whole
      ? page
      : page.filter(({ id }) => isAfter(id, cursor) && (to === undefined || !isAfter(id, to)));
    if (entries.length === 0) continue;
    const endsSegment = seen === segment.entries && entries.at(-1)?.id === segment.lastId;
    yield { source: 'archive', segment: segment.sequence, endsSegment, entries };
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
  page: { extent: StreamExtent; cursor: EntryId; first: EntryId; last: EntryId; count: number },
): KnownPlace | undefined {
  const { extent, cursor, first, last, count } = page;
  if (extent.firstId === first) return { id: last, position: extent.gone + count };
  return known?.id === cursor ? { id: last, position: known.position + count } : known;
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
