import { createBell } from './bell.ts';
import { DROP_REASONS, tell, type DropReason, type PublisherObserver, type RetryReason } from './observer.ts';
import type { PublisherSettings } from './options.ts';

/** Counts since the publisher was created. */
export interface PublisherStats {
  /** Events accepted into the buffer. */
  readonly accepted: number;
  /** Events known to be in the stream, by this publisher. */
  readonly published: number;
  /** Events left out, because the stream holds an event with their `swarm_id` and `id`. */
  readonly duplicates: number;
  /** Events in the stream that were not as durable in time as `durability` asks. They are counted above, too. */
  readonly unconfirmed: number;
  /** Entries appended. */
  readonly entries: number;
  /** Attempts that failed and were repeated. */
  readonly retries: number;
  readonly dropped: Readonly<Record<DropReason, number>>;
  /** Events now in memory, waiting or in flight. */
  readonly bufferedEvents: number;
  readonly bufferedBytes: number;
}

/** Keeps count of the events in memory, and of the outcome of every event. */
export interface Ledger {
  /** A method: a getter in an object literal makes V8 call all of its methods in the slow way. */
  hasRoom(): boolean;
  /** Resolves when there is room, or the publisher is closed. */
  room(isOver: () => boolean): Promise<void>;
  accept(bytes: number): void;
  /** Events have left the buffer. */
  release(events: number, bytes: number): void;
  published(fact: { shard: number; entryId: string; events: number; attempts: number }): void;
  duplicated(fact: { shard: number; events: number }): void;
  unconfirmed(fact: Parameters<NonNullable<PublisherObserver['unconfirmed']>>[0]): void;
  retried(fact: { shard: number; events: number; attempt: number; reason: RetryReason; error?: Error }): void;
  dropped(reason: DropReason, events: number, error?: Error): void;
  /** Wakes callers that wait for room. */
  wake(): void;
  stats(): PublisherStats;
}

/** Bytes of the largest event that the contract allows: there is room if this fits. */
const EVENT_BYTES = 16 * 1024;

export function createLedger(settings: PublisherSettings): Ledger {
  const { observer, maxBufferedEvents, maxBufferedBytes } = settings;
  const bell = createBell();
  const dropped = Object.fromEntries(DROP_REASONS.map((reason) => [reason, 0])) as Record<DropReason, number>;
  const counts = { accepted: 0, published: 0, duplicates: 0, unconfirmed: 0, entries: 0, retries: 0 };
  const buffer = { bufferedEvents: 0, bufferedBytes: 0 };
  const hasRoom = (): boolean =>
    buffer.bufferedEvents < maxBufferedEvents && buffer.bufferedBytes + EVENT_BYTES <= maxBufferedBytes;

  return {
    hasRoom,
    async room(isOver) {
      while (!hasRoom() && !isOver()) await bell.wait();
    },
    accept(bytes) {
      counts.accepted += 1;
      buffer.bufferedEvents += 1;
      buffer.bufferedBytes += bytes;
    },
    release(events, bytes) {
      buffer.bufferedEvents -= events;
      buffer.bufferedBytes -= bytes;
      if (hasRoom()) bell.ring();
    },
    published(fact) {
      counts.published += fact.events;
      counts.entries += 1;
      tell(() => observer.published?.(fact));
    },
    duplicated(fact) {
      if (fact.events === 0) return;
      counts.duplicates += fact.events;
      tell(() => observer.duplicate?.(fact));
    },
    unconfirmed(fact) {
      counts.unconfirmed += fact.events;
      tell(() => observer.unconfirmed?.(fact));
    },
    retried(fact) {
      counts.retries += 1;
      tell(() => observer.retried?.(fact));
    },
    dropped(reason, count, error) {
      if (count === 0) return;
      dropped[reason] += count;
      tell(() => observer.dropped?.({ reason, events: count, ...(error === undefined ? {} : { error }) }));
    },
    wake: () => bell.ring(),
    stats: () => ({ ...counts, ...buffer, dropped: { ...dropped } }),
  };
}
