import type { Redis } from 'ioredis';
import type { PublishedEvent } from '../harness/read-published.ts';

/** An event of the stream, and the time at which it was appended. */
export interface TimedEvent {
  readonly fields: PublishedEvent;
  /** The clock of Redis, ms: of its entry ID. */
  readonly atMs: number;
}

const PAGE_ENTRIES = 10_000;

/** All events of the first shard, in order, page by page: a load leaves too many for one reply. */
export async function readEntries(redis: Redis): Promise<TimedEvent[]> {
  const events: TimedEvent[] = [];
  for (let from = '-'; ;) {
    const page = await redis.xrange('streamfold:{0}:events', from, '+', 'COUNT', PAGE_ENTRIES);
    for (const [entryId, fields] of page) {
      const atMs = Number(entryId.split('-')[0]);
      for (const event of decode(fields)) events.push({ fields: event, atMs });
      from = `(${entryId}`;
    }
    if (page.length < PAGE_ENTRIES) return events;
  }
}

function decode(fields: readonly string[]): PublishedEvent[] {
  const [name, value] = fields;
  if (name === 'events') return JSON.parse(value ?? '') as PublishedEvent[];
  const event: Record<string, string> = {};
  for (let at = 0; at < fields.length; at += 2) event[fields[at] ?? ''] = fields[at + 1] ?? '';
  return [event];
}
