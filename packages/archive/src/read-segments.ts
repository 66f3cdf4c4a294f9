import { compareStamps, isAfter, LAST_ID, type EntryId } from '@streamfold/core';
import { checkRecorded } from './check-history.ts';
import type { Archived } from './read-archived.ts';
import { BEFORE_ALL, LogError } from './log-error.ts';
import type { Archive } from './open-archive.ts';
import {
  decodeManifest,
  folderOf,
  manifestName,
  namePrefix,
  parseManifestName,
  type Segment,
} from './segment.ts';

/** The end of a range whose end is not known. */

/**
 * Sequence number of the newest segment of a shard; 0 if it has none. Costs the listing of a folder, from the known segment
 * on.
 */
async function findNewestSequence({ store }: Archive, shard: number, known = 0): Promise<number> {
  const find = async (after: string): Promise<number> => {
    const names = await store.list(folderOf(shard), after);
    return names.reduce((newest, name) => Math.max(newest, parseManifestName(name) ?? 0), 0);
  };
  return (known > 0 ? await find(namePrefix(known)) : 0) || find('');
}

/** The newest segment of a shard, or `undefined` if it has none. @throws {LogError} if its manifest is damaged. */
export async function readNewestSegment(
  archive: Archive,
  shard: number,
  known = 0,
): Promise<Segment | undefined> {
  const sequence = await findNewestSequence(archive, shard, known);
  return sequence === 0 ? undefined : loadSegment(archive, shard, sequence);
}

/** All segments of a shard, oldest first. @throws {LogError} as `readSegments` does. */
export async function listSegments(archive: Archive, shard: number): Promise<Segment[]> {
  const segments: Segment[] = [];
  for await (const segment of readSegments(archive, shard)) segments.push(segment);
  return segments;
}

/**
 * The segments of a shard that hold entries after `after`, oldest first: manifests only, each checked to continue the one
 * before it. Finds the first by halving; then one read for each segment.
 *
 * @param options.archived what Redis has recorded: segments up to there must be here, and only these are given. A later one
 *   is still in the stream, or is not of this stream.
 * @throws {LogError} if one is missing or damaged, after those before it were given.
 */
export async function* readSegments(
  archive: Archive,
  shard: number,
  { after = BEFORE_ALL, archived }: { after?: EntryId; archived?: Archived | undefined } = {},
): AsyncGenerator<Segment> {
  const newest = await findNewestSequence(archive, shard, archived?.sequence);
  const first = await findFirstBehind(archive, shard, { after, newest });
  let previous = first > 1 ? await loadSegment(archive, shard, first - 1) : undefined;
  const last = Math.min(newest, archived?.sequence ?? newest);
  for (let sequence = first; sequence <= last; sequence++) {
    const segment = await loadSegment(archive, shard, sequence);
    checkChain(archive, segment, previous);
    if (archived?.sequence === sequence) checkRecorded(archive, archived, segment);
    yield segment;
    previous = segment;
  }
  if (archived === undefined || archived.sequence <= newest) return;
  const here = newest === 0 ? 'none' : `segments up to ${newest}`;
  throw new LogError({
    reason: 'segment_missing',
    shard,
    after: previous?.lastId ?? BEFORE_ALL,
    to: archived.lastId,
    detail: `expected segments up to ${archived.sequence} in ${archive.url}, as Redis has recorded; there are ${here}`,
  });
}

/** The first sequence number whose segment ends behind `after`. */
async function findFirstBehind(
  archive: Archive,
  shard: number,
  { after, newest }: { after: EntryId; newest: number },
): Promise<number> {
  if (after === BEFORE_ALL) return 1;
  let low = 1;
  let high = newest + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const { lastId } = await loadSegment(archive, shard, middle);
    if (isAfter(lastId, after)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The manifest of a segment. @throws {LogError} if it is missing or damaged. */
export async function loadSegment(archive: Archive, shard: number, sequence: number): Promise<Segment> {
  const name = manifestName(shard, sequence);
  const bytes = await archive.store.read(name);
  const fail = async (reason: 'segment_missing' | 'segment_corrupt', detail: string): Promise<never> => {
    const range = await findRange(archive, shard, sequence);
    throw new LogError({ reason, shard, ...range, detail: `segment ${sequence}: ${detail}` });
  };
  if (bytes === undefined) {
    return fail('segment_missing', `expected ${name} in ${archive.url}; there is none`);
  }
  const segment = decodeManifest(bytes);
  if ('fault' in segment) return fail('segment_corrupt', `${name} in ${archive.url}: ${segment.fault}`);
  const fault = findFault(segment, shard, sequence);
  if (fault !== undefined) return fail('segment_corrupt', `${name} in ${archive.url}: ${fault}`);
  return segment;
}

function findFault(segment: Segment, shard: number, sequence: number): string | undefined {
  if (segment.shard !== shard) return `shard: expected ${shard}; got ${segment.shard}`;
  if (segment.sequence !== sequence) return `sequence: expected ${sequence}; got ${segment.sequence}`;
  return compareStamps(segment.firstId, segment.lastId) > 0
    ? 'firstId: expected it not behind lastId'
    : undefined;
}

/** The range of a segment whose manifest cannot be read: its neighbours know where it begins and ends. */
async function findRange(
  { store }: Archive,
  shard: number,
  sequence: number,
): Promise<{ after: EntryId; to: EntryId }> {
  const readNeighbour = async (number: number): Promise<Segment | undefined> => {
    const bytes = number === 0 ? undefined : await store.read(manifestName(shard, number));
    const segment = bytes === undefined ? { fault: '' } : decodeManifest(bytes);
    return 'fault' in segment ? undefined : segment;
  };
  const before = await readNeighbour(sequence - 1);
  const behind = await readNeighbour(sequence + 1);
  return { after: before?.lastId ?? BEFORE_ALL, to: behind?.previous?.lastId ?? LAST_ID };
}

/** @throws {LogError} if a segment does not continue the one before it. */
export function checkChain({ url }: Archive, segment: Segment, before: Segment | undefined): void {
  const { previous, sequence, shard, firstId, lastId, entries, entriesBefore, missing } = segment;
  const fault =
    before?.lastId !== previous?.lastId || before?.sha256 !== previous?.sha256
      ? `it names ${previous?.lastId ?? 'nothing'} as the end of the segment before it; that one ends with ${before?.lastId ?? 'nothing'}`
      : before !== undefined && !isAfter(firstId, before.lastId)
        ? `it begins with ${firstId}, and the segment before it ends with ${before.lastId}`
        : entriesBefore !== missing + (before === undefined ? 0 : before.entriesBefore + before.entries)
          ? `it has ${entriesBefore} as the number of entries before it; that is not the number up to the end of the segment before it plus ${missing} missing ones`
          : undefined;
  if (fault === undefined) return;
  throw new LogError({
    reason: 'chain_broken',
    shard,
    after: before?.lastId ?? BEFORE_ALL,
    to: lastId,
    entries,
    detail: `segment ${sequence} in ${url}: ${fault}`,
  });
}
