import { createBell } from './bell.ts';
import { DROP_REASONS, tell, type DropReason, type RetryReason } from './observer.ts';
import type { PublisherSettings } from './options.ts';

/** Counts since the publisher was created. */
export interface PublisherStats {
  /** Events taken into the buffer. */
  readonly accepted: number;
  /** Events known to be in the stream, by this publisher. */
  readonly published: number;
  /** Events left out, as the stream holds an event with their `swarm_id` and `id`. */
  readonly duplicates: number;
  /** Entries appended. */
  readonly entries: number;
  /** Attempts that failed and were repeated. */
  readonly retries: number;
  readonly dropped: Readonly<Record<DropReason, number>>;
  /** What waits in memory now, or is under way. */
  readonly bufferedEvents: number;
  readonly bufferedBytes: number;
}

/** Keeps the books: what waits in memory, and what became of every event. */
export interface Ledger {
  readonly hasRoom: boolean;
  /** Resolves when there is room, or the publisher is closed. */
  room(isOver: () => boolean): Promise<void>;
  accept(bytes: number): void;
  /** Events have left the buffer. */
  release(events: number, bytes: number): void;
  published(fact: { shard: number; entryId: string; events: number; attempts: number }): void;
  duplicated(fact: { shard: number; events: number }): void;
  retried(fact: { shard: number; events: number; attempt: number; reason: RetryReason; error?: Error }): void;
  dropped(reason: DropReason, events: number, error?: Error): void;
  /** Wakes who waits for room. */
  wake(): void;
  stats(): PublisherStats;
}

/** Bytes of the largest event that the contract allows: there is room when this fits. */
const EVENT_BYTES = 16 * 1024;

export function createLedger(settings: PublisherSettings): Ledger {
  const { observer, maxBufferedEvents, maxBufferedBytes } = settings;
  const bell = createBell();
  const dropped = Object.fromEntries(DROP_REASONS.map((reason) => [reason, 0])) as Record<DropReason, number>;
  let accepted = 0;
  let published = 0;
  let duplicates = 0;
  let entries = 0;
  let retries = 0;
  let events = 0;
  let bytes = 0;
  const hasRoom = (): boolean => events < maxBufferedEvents && bytes + EVENT_BYTES <= maxBufferedBytes;

  return {
    get hasRoom() {
      return hasRoom();
    },
    async room(isOver) {
      while (!hasRoom() && !isOver()) await bell.wait();
    },
    accept(eventBytes) {
      accepted += 1;
      events += 1;
      bytes += eventBytes;
    },
    release(releasedEvents, releasedBytes) {
      events -= releasedEvents;
      bytes -= releasedBytes;
      if (hasRoom()) bell.ring();
    },
    published(fact) {
      published += fact.events;
      entries += 1;
      tell(() => observer.published?.(fact));
    },
    duplicated(fact) {
      if (fact.events === 0) return;
      duplicates += fact.events;
      tell(() => observer.duplicate?.(fact));
    },
    retried(fact) {
      retries += 1;
      tell(() => observer.retried?.(fact));
    },
    dropped(reason, count, error) {
      if (count === 0) return;
      dropped[reason] += count;
      tell(() => observer.dropped?.({ reason, events: count, ...(error === undefined ? {} : { error }) }));
    },
    wake: () => bell.ring(),
    stats: () => ({
      accepted,
      published,
      duplicates,
      entries,
      retries,
      dropped: { ...dropped },
      bufferedEvents: events,
      bufferedBytes: bytes,
    }),
  };
}
