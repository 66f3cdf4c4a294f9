import { isAfter, previousId } from '@streamfold/core';
import type { RedisConnection } from '@streamfold/redis';
import { countEntries } from './count-entries.ts';
import { describeStream } from './describe-stream.ts';
import { BEFORE_ALL, LogError } from './log-error.ts';
import type { Archive } from './open-archive.ts';
import type { Archived } from './read-archived.ts';
import { readSegmentBytes } from './read-segment.ts';
import { positionBehind, type Segment } from './segment.ts';
import { createByteReader } from './stream-page.ts';

/** @throws {LogError} if the segment is not the one that Redis has recorded. */
export function checkRecorded({ url }: Archive, archived: Archived, segment: Segment): void {
  const { lastId, position, history, sha256 } = archived;
  const fault =
    history !== undefined && segment.history !== undefined && history !== segment.history
      ? `of history ${history}; it is of history ${segment.history}`
      : lastId !== segment.lastId
        ? `to end with ${lastId}; it ends with ${segment.lastId}`
        : position !== positionBehind(segment)
          ? `to end at position ${position}; it ends at ${positionBehind(segment)}`
          : sha256 !== undefined && sha256 !== segment.sha256
            ? `with SHA-256 ${sha256}; it has ${segment.sha256}`
            : undefined;
  if (fault === undefined) return;
  throw historyError(segment, {
    text: `segment ${segment.sequence} in ${url}: expected it, as Redis has recorded, ${fault}`,
  });
}

/**
 * Whether the stream holds exactly the entries of a segment, byte for byte: then the segment is of its history, and was
 * written by an archiver that died before it could record it. Reads the segment and that part of the stream.
 *
 * @throws {LogError} if the data of the segment are missing or damaged.
 */
export async function holdsSegment(
  redis: RedisConnection,
  events: string,
  { archive, segment }: { readonly archive: Archive; readonly segment: Segment },
): Promise<boolean> {
  const reader = createByteReader(redis, events);
  let cursor = previousId(segment.firstId);
  let page: Awaited<ReturnType<typeof reader.read>> | undefined;
  let at = 0;
  for await (const entries of readSegmentBytes(archive, segment)) {
    for (const { id, fields } of entries) {
      if (page === undefined || at === page.entries.length) {
        if (page?.atEnd === true) return false;
        page = await reader.read(cursor, segment.lastId);
        at = 0;
        const { firstId, gone } = page.extent;
        if (firstId === segment.firstId && gone !== segment.entriesBefore) return false;
      }
      const [heldId, held = []] = page.entries[at++] ?? [];
      if (heldId !== id || held.length !== fields.length) return false;
      if (!fields.every((field, n) => held[n]?.equals(field))) return false;
      cursor = id;
    }
  }
  return true;
}

/** Why a stream does not continue an archive. */
export interface PlaceFault {
  /** `stream_behind`: it has not come that far; `other_history`: it was never there. */
  readonly reason: 'stream_behind' | 'other_history';
  readonly text: string;
}

const behind = (text: string): PlaceFault => ({ reason: 'stream_behind', text });
const other = (text: string): PlaceFault => ({ reason: 'other_history', text });

/**
 * The fault of the place in the stream at which the previous segments end: the stream must have reached exactly that place,
 * with exactly that number of entries. `undefined` if nothing is. Entries that somebody trimmed after it are no fault here:
 * they are a gap.
 */
export async function findPlaceFault(
  redis: RedisConnection,
  events: string,
  segment: Segment,
): Promise<PlaceFault | undefined> {
  const { lastId } = segment;
  const position = positionBehind(segment);
  const held = await redis.xrange(events, lastId, lastId);
  const { firstId, lastGeneratedId, gone, length } = await describeStream(redis, events);
  if (isAfter(lastId, lastGeneratedId)) return behind(`it has come to ${lastGeneratedId} only`);
  if (position > gone + length) return behind(`${countEntries(gone + length, 'were')} ever added to it`);
  const reachesBack = firstId !== undefined && !isAfter(firstId, lastId);
  if (reachesBack && held.length === 0) return other(`it holds ${firstId} and has no entry ${lastId}`);
  if (!reachesBack && gone < position)
    return other(`it begins after that and has lost only ${countEntries(gone)}`);
  return undefined;
}

const ADVICE =
  'Redis has gone back to an older state, or is new, or another Redis archives here: see "When archiving stops" in docs/archive.md';

/** Archive and stream do not continue each other, as seen at the end of a segment. */
export function historyError(
  { shard, previous, lastId }: Segment,
  { reason = 'other_history', text }: { readonly reason?: PlaceFault['reason']; readonly text: string },
): LogError {
  const range = { shard, after: previous?.lastId ?? BEFORE_ALL, to: lastId };
  return new LogError({ reason, ...range, detail: `${text}. ${ADVICE}` });
}
