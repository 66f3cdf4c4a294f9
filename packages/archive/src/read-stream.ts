import type { EntryId } from '@streamfold/core';
import {
  createReplyTap,
  followOwner,
  isReady,
  isRedirected,
  openTwin,
  type RedisConnection,
} from '@streamfold/redis';
import { describeStream, type StreamExtent } from './describe-stream.ts';
import { encodeEntry, type EntryBytes } from './entry-bytes.ts';
import { RangeReply } from './range-reply.ts';
import { MOST_TRIES } from './stream-page.ts';

/** A part of a stream as bytes, and what the stream was at that moment. */
interface BytesPage {
  /** Valid until the next page is asked for; `undefined` if there are none. */
  readonly entries: EntryBytes | undefined;
  readonly extent: StreamExtent;
  /** Nothing more is in the range. */
  readonly atEnd: boolean;
}

/** Reads a stream page after page. While one is folded, the next one is on its way. */
export interface StreamPages {
  /** Entries behind `after`, up to `to`; `+`: to the end. */
  read(after: EntryId, to: EntryId): Promise<BytesPage>;
  /** Closes the connection that it has opened. */
  close(): void;
}

/** The first page is small: its entries may be large. Each page may be up to four times as large as the one before it. */
const FIRST_COUNT = 100;
const GROWTH = 4;
/** A page occupies Redis, and this process, for some ms. */
const PAGE_BYTES = 2 * 1024 * 1024;
const MOST_ENTRIES = 5_000;

/**
 * XRANGE events (after to COUNT n, XINFO STREAM
 *
 * Two looks at the stream, one before and one after the page, must agree on what is gone: then the page and the extent are
 * of one moment. The second look serves the next page as the first one.
 */
export function createStreamPages(redis: RedisConnection, events: string): StreamPages {
  const source = createSource(redis, events);
  let count = FIRST_COUNT;
  /** One page is folded while the next one arrives. */
  const replies = [new RangeReply(), new RangeReply()] as const;
  let requests = 0;
  let before: StreamExtent | undefined;
  let ahead: { readonly after: EntryId; readonly to: EntryId; readonly page: Promise<BytesPage> } | undefined;

  const request = async (after: EntryId, to: EntryId): Promise<BytesPage> => {
    const reply = replies[requests++ % 2 === 0 ? 0 : 1];
    before ??= await describeStream(redis, events);
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const { entries, extent } = await source.read({ after, to, count, reply });
      const { gone } = before;
      before = extent;
      if (gone !== extent.gone) continue;
      const atEnd = (entries?.count ?? 0) < count;
      if (entries !== undefined) {
        const fitting = Math.floor((PAGE_BYTES * entries.count) / entries.bytes.length);
        count = Math.max(1, Math.min(fitting, count * GROWTH, MOST_ENTRIES));
      }
      return { entries, extent, atEnd };
    }
    throw new Error(
      `stream ${events}: expected a moment without trimming; found none in ${MOST_TRIES} tries`,
    );
  };

  return {
    async read(after, to) {
      const asked = ahead;
      ahead = undefined;
      const isNext = asked?.after === after && asked.to === to;
      if (!isNext) await asked?.page.catch(() => undefined); // one reply at a time
      const page = await (isNext ? asked.page : request(after, to));
      const last = page.entries?.lastId;
      if (!page.atEnd && last !== undefined && last !== to) {
        ahead = { after: last, to, page: request(last, to) };
        ahead.page.catch(() => undefined); // the next read meets its failure
      }
      return page;
    },
    close: () => source.close(),
  };
}

interface Source {
  read(range: Range): Promise<{ readonly entries: EntryBytes | undefined; readonly extent: StreamExtent }>;
  close(): void;
}

interface Range {
  readonly after: EntryId;
  readonly to: EntryId;
  readonly count: number;
  /** Takes the reply. */
  readonly reply: RangeReply;
}

/**
 * Reads with a tap on a connection of its own, opened by the first read, which the client's own commands would disturb. In a
 * Cluster it leads to the node that owns the slot; while the slot moves, the client reads.
 */
function createSource(redis: RedisConnection, events: string): Source {
  let opening: Promise<Source> | undefined;
  let isClosed = false;
  return {
    async read(range) {
      opening ??= openSource(redis, events);
      const source = await opening;
      if (isClosed) source.close();
      return source.read(range);
    },
    close() {
      isClosed = true;
      void opening?.then(
        (source) => source.close(),
        () => undefined, // it was never open
      );
    },
  };
}

async function openSource(redis: RedisConnection, events: string): Promise<Source> {
  const client = createClientSource(redis, events);
  const twin = await openTwin(redis, events, { name: 'streamfold-log' });
  if (twin === undefined) return client;
  const tap = createReplyTap(twin);
  const readTapped: Source['read'] = async ({ after, to, count, reply }) => {
    reply.begin();
    let extent: Promise<StreamExtent> | undefined;
    try {
      await tap.read(() => {
        const range = twin.xrange(events, `(${after}`, to, 'COUNT', count);
        extent = describeStream(twin, events);
        return range;
      }, reply);
    } finally {
      await extent?.catch(() => undefined); // nothing is under way when the next range is read
    }
    return { entries: reply.entries, extent: await (extent ?? describeStream(twin, events)) };
  };
  return {
    async read(range) {
      if (!isReady(twin)) return client.read(range); // it may be on its way to another node
      try {
        return await readTapped(range);
      } catch (error) {
        if (!isRedirected(twin, error)) throw error;
        const page = await client.read(range);
        followOwner(twin);
        return page;
      }
    },
    close: () => twin.disconnect(),
  };
}

function createClientSource(redis: RedisConnection, events: string): Source {
  return {
    async read({ after, to, count }) {
      const [range, extent] = await Promise.all([
        redis.xrangeBuffer(events, `(${after}`, to, 'COUNT', count),
        describeStream(redis, events),
      ]);
      const first = range[0];
      const last = range.at(-1);
      if (first === undefined || last === undefined) return { entries: undefined, extent };
      const bytes = Buffer.concat(range.map(([id, fields]) => encodeEntry(String(id), fields)));
      const [firstId, lastId] = [String(first[0]), String(last[0])];
      return { entries: { bytes, count: range.length, firstId, lastId }, extent };
    },
    close: () => undefined,
  };
}
