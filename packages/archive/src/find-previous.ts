import { randomUUID } from 'node:crypto';
import { ConfigurationError, shardKeys, type RedisConnection } from '@streamfold/redis';
import type { ArchiveOptions } from './archive-shard.ts';
import { checkRecorded, findPlaceFault, historyError, holdsSegment } from './check-history.ts';
import { BEFORE_ALL, LogError } from './log-error.ts';
import type { Archive } from './open-archive.ts';
import { readArchived, type Archived } from './read-archived.ts';
import { checkChain, loadSegment, readNewestSegment } from './read-segments.ts';
import { recordArchived } from './record-archived.ts';
import { removeLeftovers } from './remove-leftovers.ts';
import { positionBehind, type Segment } from './segment.ts';

/** Where an archive is continued. */
export interface Continuation {
  /** The newest segment; `undefined` if there is none yet. */
  readonly previous: Segment | undefined;
  /** The history that the next segment belongs to. */
  readonly history: string;
}

/**
 * The newest segment of a shard. An archive belongs to one history: a segment that Redis has not recorded is taken over, as
 * that of an archiver that died, only if the stream holds exactly its entries; and the stream must have come to exactly the
 * place where the archive ends. An archive and a record of an earlier version have no identity: they get one with the next
 * segment.
 *
 * @throws {LogError} if archive and Redis do not belong together. Only an operator can decide what is right then.
 */
export async function findPrevious(redis: RedisConnection, options: ArchiveOptions): Promise<Continuation> {
  const { shard, shards, archive } = options;
  const archived = await readArchived(redis, options);
  const newest = await readNewestSegment(archive, shard, archived?.sequence);
  if (newest !== undefined && newest.shards !== shards) {
    throw new ConfigurationError(
      `archive ${archive.url}: expected segments of ${shards} shards; got one of ${newest.shards}`,
    );
  }
  let previous: Segment | undefined;
  if (archived !== undefined) {
    if (archived.sequence > (newest?.sequence ?? 0)) throw otherArchive(archive, { shard, archived, newest });
    previous =
      archived.sequence === newest?.sequence ? newest : await loadSegment(archive, shard, archived.sequence);
    checkRecorded(archive, archived, previous);
  }
  for (let sequence = (archived?.sequence ?? 0) + 1; sequence <= (newest?.sequence ?? 0); sequence++) {
    const segment = await loadSegment(archive, shard, sequence);
    checkChain(archive, segment, previous);
    if (archived?.history !== undefined)
      checkRecorded(archive, { ...ownRecord(segment), history: archived.history }, segment);
    if (!(await takeOver(redis, segment, options))) return findPrevious(redis, options);
    previous = segment;
  }
  if (previous !== undefined) await checkPlace(redis, previous, options);
  return { previous, history: previous?.history ?? archived?.history ?? randomUUID() };
}

/** The record that belongs to a segment. */
function ownRecord(segment: Segment): Archived {
  const { lastId, sequence, sha256 } = segment;
  return { lastId, sequence, sha256, position: positionBehind(segment) };
}

/**
 * Records a segment that an archiver wrote before it died. False if another archiver has recorded it first.
 *
 * @throws {LogError} if the stream does not hold its entries.
 */
async function takeOver(redis: RedisConnection, segment: Segment, options: ArchiveOptions): Promise<boolean> {
  const { archive, dryRun = false } = options;
  const { sequence, firstId, lastId } = segment;
  const held = await holdsSegment(redis, shardKeys(options).events, { archive, segment });
  if (!held) {
    const archived = await readArchived(redis, options);
    if (archived !== undefined && archived.sequence >= sequence) return false;
    await checkPlace(redis, segment, options);
    throw historyError(segment, {
      text: `segment ${sequence} (${firstId} to ${lastId}) in ${archive.url}: expected it to be recorded in Redis, or its entries in the stream; neither is so`,
    });
  }
  if (dryRun) return true;
  await removeLeftovers(archive, segment);
  await recordArchived(redis, options, segment);
  return true;
}

/** @throws {LogError} if the stream has not reached exactly the place at which a segment ends. */
async function checkPlace(redis: RedisConnection, segment: Segment, options: ArchiveOptions): Promise<void> {
  const { archive } = options;
  const { events } = shardKeys(options);
  const fault = await findPlaceFault(redis, events, segment);
  if (fault === undefined) return;
  throw historyError(segment, {
    reason: fault.reason,
    text: `the archive ${archive.url} has entries up to ${segment.lastId}, ${positionBehind(segment)} were ever added by then; expected the stream ${events} to continue it; ${fault.text}`,
  });
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
