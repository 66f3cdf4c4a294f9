import { isAfter, previousId, type EntryId } from '@streamfold/core';
import type { RedisConnection } from '@streamfold/redis';
import { describeStream, type StreamExtent } from './describe-stream.ts';

/** An entry as a client returns it: ID and fields, byte for byte. */
type RawEntry = readonly [id: EntryId, fields: Buffer[]];

/** A part of a stream, and what the stream was at that moment. */
interface StreamPage {
  readonly entries: readonly RawEntry[];
  readonly extent: StreamExtent;
  /** Nothing more is in the range. */
  readonly atEnd: boolean;
}

/** Reads a stream page after page. */
export interface StreamReader {
  /** Entries behind `after`, up to `to`; `+`: to the end. */
  read(after: EntryId, to: EntryId): Promise<StreamPage>;
}

const FIRST_COUNT = 100;
const MOST_ENTRIES = 1_000;
/** A page above this is followed by a smaller one, below a quarter of it by a larger one. */
const PAGE_BYTES = 4 * 1024 * 1024;
/** Trimming runs in steps of a few ms: a page without one is soon found. */
export const MOST_TRIES = 1_000;

/**
 * XINFO STREAM, XRANGE events (after to COUNT n, XINFO STREAM
 *
 * Both looks at the stream must agree on what is gone: then the page and the extent are of one moment. Pages are of some
 * MB at most, unless one entry is larger.
 */
export function createByteReader(redis: RedisConnection, events: string): StreamReader {
  const readRange = async (from: string, to: string, count: number): Promise<RawEntry[]> => {
    const entries = await redis.xrangeBuffer(events, from, to, 'COUNT', count);
    return entries.map(([id, fields]) => [id.toString(), fields]);
  };
  let count = FIRST_COUNT;
  return {
    async read(after, to) {
      for (let tries = 0; tries < MOST_TRIES; tries++) {
        const [before, entries, extent] = await Promise.all([
          describeStream(redis, events),
          readRange(`(${after}`, to, count),
          describeStream(redis, events),
        ]);
        if (before.gone !== extent.gone) continue;
        const atEnd = entries.length < count;
        const bytes = entries.reduce((sum, [, fields]) => sum + sizeOf(fields), 0);
        if (bytes > PAGE_BYTES) count = Math.max(1, Math.floor(count / 4));
        else if (bytes < PAGE_BYTES / 4) count = Math.min(MOST_ENTRIES, count * 2);
        return { entries, extent, atEnd };
      }
      throw new Error(
        `stream ${events}: expected a moment without trimming; found none in ${MOST_TRIES} tries`,
      );
    },
  };
}

function sizeOf(fields: readonly Buffer[]): number {
  let size = 0;
  for (const field of fields) size += field.length;
  return size;
}

/** A place in the stream, and the number of entries ever added up to it. */
export interface KnownPlace {
  readonly id: EntryId;
  readonly position: number;
}

/** Entries between two that are there, which are gone. */
export interface Hole {
  readonly after: EntryId;
  readonly to: EntryId;
  readonly entries: number | undefined;
}

/**
 * Whether entries after `after` are gone from a stream. A stream loses its oldest entries first. So none is missing if the
 * stream still reaches back to `after`, or if the number of entries gone is the number ever added up to `known`, the last
 * place before `after` whose number is known.
 */
export function findHole(
  extent: StreamExtent,
  { after, known }: { after: EntryId; known: KnownPlace | undefined },
): Hole | undefined {
  const { firstId, gone, lastGeneratedId } = extent;
  if (firstId !== undefined && !isAfter(firstId, after)) return undefined;
  if (gone === known?.position) return undefined;
  return {
    after: known?.id ?? after,
    to: firstId === undefined ? lastGeneratedId : previousId(firstId),
    entries: known === undefined ? undefined : gone - known.position,
  };
}
