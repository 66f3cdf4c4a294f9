import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createGzip } from 'node:zlib';
import { isAfter, type EntryId } from '@streamfold/core';
import { encodeLine } from './entry-line.ts';
import { positionBehind, type Segment } from './segment.ts';
import { findHole, type Hole, type KnownPlace, type StreamReader } from './stream-page.ts';

/** Where a segment is cut: whatever comes first. One entry is never cut. */
export interface SegmentBounds {
  readonly entries: number;
  /** Of the lines, before they are compressed. */
  readonly bytes: number;
}

/** A reader of a segment holds 32 MiB in memory; compressed they are about 3 MiB: one object, one put. */
export const SEGMENT_BOUNDS: SegmentBounds = { entries: 500_000, bytes: 32 * 1024 * 1024 };

export interface SegmentPlan {
  readonly shard: number;
  readonly shards: number;
  /** The segment before it. */
  readonly previous: Segment | undefined;
  /** The history that the archive belongs to. */
  readonly history: string;
  /** The segment ends there at the latest. */
  readonly to: EntryId;
  readonly bounds: SegmentBounds;
  /** Count entries that are gone as missing, instead of reporting a hole. */
  readonly acceptGap: boolean;
}

/** The outcome of building a segment. */
export type BuildOutcome =
  | { readonly outcome: 'built'; readonly segment: Segment; readonly data: Buffer; readonly full: boolean }
  /** Nothing is in the range. */
  | { readonly outcome: 'empty' }
  /** Entries after the previous segment are gone from the stream. */
  | { readonly outcome: 'hole'; readonly hole: Hole }
  /** The stream is not the one that the previous segment ends in: it has not come that far, or has lost fewer entries. */
  | { readonly outcome: 'behind'; readonly lastGeneratedId: EntryId; readonly added: number };

/** Reads the entries of the next segment from the stream, and compresses them as they come. Writes nothing anywhere. */
export async function buildSegment(reader: StreamReader, plan: SegmentPlan): Promise<BuildOutcome> {
  const { previous, to, bounds, acceptGap } = plan;
  const start: KnownPlace = {
    id: previous?.lastId ?? '0-0',
    position: previous ? positionBehind(previous) : 0,
  };
  const lines = createCompressor();
  let known: KnownPlace | undefined;
  let cursor = start.id;
  let firstId: EntryId | undefined;
  let missing = 0;
  let entries = 0;
  let bytes = 0;
  let full = false;
  let atEnd = false;
  while (!full && !atEnd) {
    const page = await reader.read(cursor, to);
    const { extent } = page;
    const added = extent.gone + extent.length;
    if (previous !== undefined && (isAfter(start.id, extent.lastGeneratedId) || start.position > added)) {
      return { outcome: 'behind', lastGeneratedId: extent.lastGeneratedId, added };
    }
    const hole = findHole(extent, { after: cursor, known: known ?? start });
    if (hole !== undefined) {
      // Fewer entries are gone than the archive has: this is another stream, whatever gap is accepted.
      if (previous !== undefined && (hole.entries ?? 0) < 0) {
        return { outcome: 'behind', lastGeneratedId: extent.lastGeneratedId, added };
      }
      const accepted = known === undefined && (previous === undefined || acceptGap);
      if (!accepted) return { outcome: 'hole', hole };
      missing = Math.max(0, extent.gone - start.position);
    }
    known ??= { id: cursor, position: start.position + missing };
    atEnd = page.atEnd;
    let text = '';
    for (const [id, fields] of page.entries) {
      firstId ??= id;
      const line = `${encodeLine(id, fields)}\n`;
      text += line;
      bytes += line.length;
      entries++;
      cursor = id;
      full = entries >= bounds.entries || bytes >= bounds.bytes;
      if (full) break;
    }
    await lines.write(text);
    known = { id: cursor, position: start.position + missing + entries };
  }
  const data = await lines.end();
  if (firstId === undefined) return { outcome: 'empty' };
  const segment: Segment = {
    format: 1,
    shard: plan.shard,
    shards: plan.shards,
    history: plan.history,
    sequence: (previous?.sequence ?? 0) + 1,
    firstId,
    lastId: cursor,
    entries,
    bytes: data.length,
    sha256: createHash('sha256').update(data).digest('hex'),
    previous: previous === undefined ? null : { lastId: previous.lastId, sha256: previous.sha256 },
    entriesBefore: start.position + missing,
    missing,
  };
  return { outcome: 'built', segment, data, full };
}

/** gzip of what is written, in memory; compressing runs beside the event loop. */
function createCompressor(): { write(text: string): Promise<void>; end(): Promise<Buffer> } {
  const gzip = createGzip();
  const chunks: Buffer[] = [];
  gzip.on('data', (chunk: Buffer) => chunks.push(chunk));
  return {
    async write(text) {
      if (!gzip.write(text)) await once(gzip, 'drain');
    },
    async end() {
      const ended = once(gzip, 'end');
      gzip.end();
      await ended;
      return Buffer.concat(chunks);
    },
  };
}
