import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { isAfter, type EntryId } from '@streamfold/core';
import { countEntries } from './count-entries.ts';
import { decodeLine, decodeLineBytes, type LogEntry } from './entry-line.ts';
import { BEFORE_ALL, LogError, type LogErrorReason } from './log-error.ts';
import type { Archive } from './open-archive.ts';
import { dataName, type Segment } from './segment.ts';

const unzip = promisify(gunzip);

/** Entries given out at once. */
const PAGE_ENTRIES = 500;
/** The same as lines: they are folded in a ms or two, and then other work gets its turn. */
const PAGE_BYTES = 256 * 1024;
/** A segment is decompressed in pieces of this size: each is one task of the thread pool. */
const UNZIPPED_BYTES = 1024 * 1024;
const NEWLINE = 10;

/**
 * The entries of a segment, in pages of some hundred. Length and SHA-256 are checked before the first one is given out;
 * a segment is bounded, and is held in memory meanwhile.
 *
 * @throws {LogError} if data are missing, truncated or corrupt.
 */
export async function* readSegment(archive: Archive, segment: Segment): AsyncGenerator<LogEntry[]> {
  yield* readPages(await openSegment(archive, segment), decodeLine);
}

/** The same, with fields byte for byte as they were in the stream. */
export async function* readSegmentBytes(
  archive: Archive,
  segment: Segment,
): AsyncGenerator<ReturnType<typeof decodeLineBytes>[]> {
  yield* readPages(await openSegment(archive, segment), decodeLineBytes);
}

/** A segment whose data were read, checked and decompressed. */
export interface OpenSegment {
  readonly segment: Segment;
  readonly lines: Buffer;
}

/**
 * Opens segments one after the other. While one is used, the next one is read, and decompressed in the thread pool.
 *
 * @throws {LogError} what `segments` or opening a segment throws, once all segments before it were given out.
 */
export async function* openSegments(
  archive: Archive,
  segments: AsyncIterator<Segment>,
): AsyncGenerator<OpenSegment> {
  const openNext = async (): Promise<OpenSegment | undefined> => {
    const next = await segments.next();
    if (next.done === true) return undefined;
    return { segment: next.value, lines: await openSegment(archive, next.value) };
  };
  let ahead = openNext();
  for (;;) {
    const opened = await ahead;
    if (opened === undefined) return;
    ahead = openNext();
    ahead.catch(() => undefined); // it is thrown in its turn
    yield opened;
  }
}

/**
 * The lines of a segment, page by page, as they stand; only those of entries after `after` and up to `to`. Other work runs in
 * between.
 */
export async function* readLines(
  { segment, lines }: OpenSegment,
  { after, to }: { readonly after: EntryId; readonly to: EntryId | undefined },
): AsyncGenerator<Buffer> {
  let at = isAfter(segment.firstId, after) ? 0 : skipLines(lines, (id) => !isAfter(id, after));
  const isCut = to !== undefined && isAfter(segment.lastId, to);
  const end = isCut ? skipLines(lines, (id) => !isAfter(id, to)) : lines.length;
  while (at < end) {
    const pageEnd = at + PAGE_BYTES < end ? lines.indexOf(NEWLINE, at + PAGE_BYTES) + 1 : end;
    yield lines.subarray(at, pageEnd);
    at = pageEnd;
    await setImmediate();
  }
}

/** Where the first line begins whose entry is not to be skipped. */
function skipLines(lines: Buffer, isSkipped: (id: EntryId) => boolean): number {
  let at = 0;
  for (let end = 0; at < lines.length; at = end) {
    end = lines.indexOf(NEWLINE, at) + 1;
    if (!isSkipped(decodeLine(lines.toString('utf8', at, end)).id)) break;
  }
  return at;
}

/** Checks a segment without giving out entries. @throws {LogError} as reading it does. */
export async function checkSegment(archive: Archive, segment: Segment): Promise<void> {
  await openSegment(archive, segment);
}

/** The lines of a segment's data, checked. */
async function openSegment({ store, url }: Archive, segment: Segment): Promise<Buffer> {
  const name = dataName(segment.shard, segment);
  const fail = (reason: LogErrorReason, detail: string, cause?: unknown): never => {
    const { shard, sequence, firstId, lastId, entries, previous } = segment;
    throw new LogError(
      {
        reason,
        shard,
        after: previous?.lastId ?? BEFORE_ALL,
        to: lastId,
        entries,
        detail: `segment ${sequence} (${firstId} to ${lastId}), ${name} in ${url}: ${detail}`,
      },
      { cause },
    );
  };
  const bytes = (await store.read(name)) ?? fail('segment_missing', 'expected this file; there is none');
  if (bytes.length < segment.bytes) {
    fail('segment_truncated', `expected ${segment.bytes} bytes; got ${bytes.length}`);
  }
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (sha256 !== segment.sha256) fail('segment_corrupt', `expected SHA-256 ${segment.sha256}; got ${sha256}`);
  let lines: Buffer;
  try {
    lines = await unzip(bytes, { chunkSize: UNZIPPED_BYTES });
  } catch (cause) {
    return fail('segment_corrupt', 'expected gzip', cause);
  }
  // The data are as they were written; is the manifest?
  const entries = countLines(lines);
  if (entries !== segment.entries)
    fail('segment_corrupt', `expected ${countEntries(segment.entries)}; got ${entries}`);
  const { id: firstId } = decodeLine(lines.toString('utf8', 0, lines.indexOf(NEWLINE)));
  const { id: lastId } = decodeLine(lines.toString('utf8', lines.lastIndexOf(NEWLINE, -2) + 1));
  if (firstId !== segment.firstId || lastId !== segment.lastId) {
    fail('segment_corrupt', `expected ${segment.firstId} to ${segment.lastId}; got ${firstId} to ${lastId}`);
  }
  return lines;
}

function countLines(lines: Buffer): number {
  let count = 0;
  for (let at = lines.indexOf(NEWLINE); at !== -1; at = lines.indexOf(NEWLINE, at + 1)) count++;
  return count;
}

function* readPages<Entry>(lines: Buffer, decode: (line: string) => Entry): Generator<Entry[]> {
  let page: Entry[] = [];
  for (let at = 0; at < lines.length;) {
    const end = lines.indexOf(NEWLINE, at);
    page.push(decode(lines.toString('utf8', at, end)));
    at = end + 1;
    if (page.length < PAGE_ENTRIES && at < lines.length) continue;
    yield page;
    page = [];
  }
}
