import { isAfter, type EntryId } from '@streamfold/core';
import { shardKeys, type RedisConnection } from '@streamfold/redis';
import { describeStream } from './describe-stream.ts';
import { readArchived } from './read-archived.ts';
import { checkReach, type Log } from './read-log.ts';
import { readSegments } from './read-segments.ts';
import { positionBehind, type Segment } from './segment.ts';
import { findHole, type Hole } from './stream-page.ts';

/** What a log covers: entries ever added = missing before + archived + in the stream behind the archive + in gaps. */
export interface LogExtent {
  readonly segments: number;
  readonly archivedEntries: number;
  /** Of these, entries that are no longer in the stream. */
  readonly onlyArchivedEntries: number;
  /** The last entry that is archived. */
  readonly archivedTo: EntryId | undefined;
  /** Entries in the stream after the archive. */
  readonly streamEntries: number;
  /** Entries that were gone before the first one that the log has. */
  readonly missingBefore: number;
  /** Entries that are gone between two that the log has. */
  readonly gaps: readonly Hole[];
}

/** Measures a log by its manifests and XINFO STREAM: no entry is read. @throws {LogError} if a manifest is damaged, or archive and stream do not continue each other. */
export async function measureLog(redis: RedisConnection, log: Log): Promise<LogExtent> {
  const { shard, archive } = log;
  let segments = 0;
  let archivedEntries = 0;
  let missingBefore = 0;
  const gaps: Hole[] = [];
  let last: Segment | undefined;
  if (archive !== undefined) {
    const archived = await readArchived(redis, log);
    for await (const segment of readSegments(archive, shard, { archived })) {
      const { previous, missing, firstId, entries } = segment;
      if (previous === null) missingBefore = missing;
      else if (missing > 0) gaps.push({ after: previous.lastId, to: firstId, entries: missing });
      segments++;
      archivedEntries += entries;
      last = segment;
    }
  }
  const extent = await describeStream(redis, shardKeys(log).events);
  const added = extent.gone + extent.length;
  if (last === undefined) {
    const stream = { streamEntries: extent.length, missingBefore: extent.gone };
    return { segments, archivedEntries, onlyArchivedEntries: 0, archivedTo: undefined, gaps, ...stream };
  }
  const known = { id: last.lastId, position: positionBehind(last) };
  const hole = findHole(extent, { after: last.lastId, known });
  if (hole !== undefined && isAfter(extent.lastGeneratedId, last.lastId)) {
    checkReach(extent, known, shard);
    gaps.push(hole);
  }
  const streamEntries = Math.max(0, added - known.position - Math.max(0, hole?.entries ?? 0));
  const both = Math.max(0, extent.length - streamEntries);
  return {
    segments,
    archivedEntries,
    onlyArchivedEntries: Math.max(0, archivedEntries - both),
    archivedTo: last.lastId,
    streamEntries,
    missingBefore,
    gaps,
  };
}

/** Whether a log has all entries that were ever added to its stream. */
export function isWhole({ missingBefore, gaps }: LogExtent): boolean {
  return missingBefore === 0 && gaps.length === 0;
}
