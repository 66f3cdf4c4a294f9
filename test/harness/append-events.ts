import type { Redis } from 'ioredis';
import type { WireEvent } from './generate-events.ts';

/** Names the stream. */
export interface StreamName {
  readonly prefix: string;
  readonly shard?: number;
}

/** The key of a shard's stream of events. */
export function eventsKey({ prefix, shard = 0 }: StreamName): string {
  return `${prefix}:{${shard}}:events`;
}

/** XADD of each event as its own entry, as any client would. Returns the entry IDs. */
export async function appendFlat(
  redis: Redis,
  stream: StreamName,
  events: Iterable<WireEvent>,
): Promise<string[]> {
  const pipeline = redis.pipeline();
  for (const event of events) pipeline.xadd(eventsKey(stream), '*', ...Object.entries(event).flat());
  const replies = (await pipeline.exec()) ?? [];
  return replies.map(([error, id]) => {
    if (error !== null) throw error;
    return String(id);
  });
}

/** XADD of all events as one entry. Returns its ID. */
export async function appendTogether(
  redis: Redis,
  stream: StreamName,
  events: Iterable<Readonly<Record<string, unknown>>>,
): Promise<string> {
  return (await redis.xadd(eventsKey(stream), '*', 'events', JSON.stringify([...events]))) ?? '';
}

/** Events in pieces of at most `size`. */
export function* inPieces<T>(events: Iterable<T>, size: number): Generator<T[]> {
  let piece: T[] = [];
  for (const event of events) {
    if (piece.push(event) < size) continue;
    yield piece;
    piece = [];
  }
  if (piece.length > 0) yield piece;
}
