import { ConfigurationError, type RedisConnection, type Shard, shardKeys } from '@streamfold/redis';
import { checkRecorded, findPlaceFault } from './check-history.ts';
import type { Archive } from './open-archive.ts';
import { readArchived } from './read-archived.ts';
import { loadSegment, readNewestSegment, readSegments } from './read-segments.ts';
import { recordArchived } from './record-archived.ts';
import {
  folderOf,
  manifestName,
  namePrefix,
  parseDataName,
  positionBehind,
  type Segment,
} from './segment.ts';

/** What an operator may decide if archive and Redis do not belong together. */
export type ArchiveDecision =
  /** The archive is this stream's, although Redis does not know it. */
  | 'adopt'
  /** The archive that Redis knows is given up; a new one begins in an empty place. */
  | 'begin_new'
  /** Segments that Redis has not recorded are not this stream's: they are removed. */
  | 'discard_unrecorded';

interface DecisionOptions extends Shard {
  readonly archive: Archive;
}

/**
 * Carries out a decision for one shard. Archiving can continue afterwards. Each can be repeated.
 *
 * @returns what was done, for the operator.
 * @throws {ConfigurationError} if the decision does not fit the state of archive and Redis; nothing is changed then.
 * @throws {LogError} if a manifest is missing or damaged.
 */
export function decideArchive(
  redis: RedisConnection,
  decision: ArchiveDecision,
  options: DecisionOptions,
): Promise<string> {
  switch (decision) {
    case 'adopt':
      return adopt(redis, options);
    case 'begin_new':
      return beginNew(redis, options);
    case 'discard_unrecorded':
      return discardUnrecorded(redis, options);
  }
}

/** Only at exactly the place to which the stream has come: what is recorded as archived may be trimmed. */
async function adopt(redis: RedisConnection, options: DecisionOptions): Promise<string> {
  const { prefix, shard, archive } = options;
  let newest: Segment | undefined;
  for await (const segment of readSegments(archive, shard)) newest = segment;
  if (newest === undefined) {
    throw new ConfigurationError(`expected segments of shard ${shard} in ${archive.url}; there are none`, {
      options: ['adopt'],
    });
  }
  const { events } = shardKeys(options);
  const fault = await findPlaceFault(redis, events, newest);
  if (fault !== undefined) {
    throw new ConfigurationError(
      `expected the stream ${events} to continue the archive, which ends with ${newest.lastId} at position ${positionBehind(newest)}; ${fault.text}`,
      { options: ['adopt'] },
    );
  }
  await recordArchived(redis, { prefix, decided: true }, newest);
  return `the archive is adopted up to segment ${newest.sequence}, which ends with ${newest.lastId}`;
}

/** HDEL archived, every field that belongs to the previous archive. */
async function beginNew(redis: RedisConnection, options: DecisionOptions): Promise<string> {
  const { shard, archive } = options;
  const newest = await readNewestSegment(archive, shard);
  const archived = await readArchived(redis, options);
  if (newest !== undefined && newest.history !== undefined && newest.history === archived?.history) {
    return 'a new archive was begun here before';
  }
  if (newest !== undefined) {
    throw new ConfigurationError(
      `expected no segments of shard ${shard} in ${archive.url}; there are segments up to ${newest.sequence}: name another place`,
      { options: ['begin_new'] },
    );
  }
  const fields = ['last_id', 'sequence', 'position', 'history', 'digest'];
  await redis.hdel(shardKeys(options).archived, ...fields);
  return archived === undefined
    ? 'Redis knows no archive: a new one begins'
    : `the archive up to ${archived.lastId} is given up; a new one begins`;
}

/** Newest first, manifests before data: killed at any moment, the rest is still a chain. */
async function discardUnrecorded(redis: RedisConnection, options: DecisionOptions): Promise<string> {
  const { shard, archive } = options;
  const { store, url } = archive;
  const archived = await readArchived(redis, options);
  if (archived === undefined) {
    throw new ConfigurationError(
      `expected a record in Redis of what is archived of shard ${shard}; there is none, so that all of ${url} would go`,
      { options: ['discard_unrecorded'] },
    );
  }
  checkRecorded(archive, archived, await loadSegment(archive, shard, archived.sequence));
  const newest = await readNewestSegment(archive, shard, archived.sequence);
  const last = newest?.sequence ?? archived.sequence;
  for (let sequence = last; sequence > archived.sequence; sequence--) {
    await store.remove(manifestName(shard, sequence));
  }
  for (const name of await store.list(folderOf(shard), namePrefix(archived.sequence + 1))) {
    if (parseDataName(name) !== undefined) await store.remove(`${folderOf(shard)}/${name}`);
  }
  const count = last - archived.sequence;
  return `${count} unrecorded ${count === 1 ? 'segment is' : 'segments are'} removed; the archive ends with segment ${archived.sequence}`;
}
