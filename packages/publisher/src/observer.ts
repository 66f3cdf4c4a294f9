/**
 * Why an event was dropped:
 * - `invalid`: it does not follow the contract;
 * - `buffer_full`: Redis did not keep up, or was away, until the buffer was full;
 * - `fate_unknown`: it was sent, no reply came, and sending it again could append it twice. It may be in the stream;
 * - `refused`: Redis refused it for a reason that waiting does not fix (permissions, wrong type of key); only `append`;
 * - `timed_out`: it was not sent within the time given to `append`;
 * - `misconfigured`: Redis holds another number of shards, so no event may be sent at all;
 * - `closed`: the publisher was closed, or its deadline for closing passed, before it was sent.
 */
export type DropReason = (typeof DROP_REASONS)[number];

export const DROP_REASONS = [
  'invalid',
  'buffer_full',
  'fate_unknown',
  'refused',
  'timed_out',
  'misconfigured',
  'closed',
] as const;

/**
 * Why a batch is tried again:
 * - `no_reply`: it was sent, but the connection broke or no reply came in time;
 * - `unavailable`: it was not sent because the connection had just broken, or Redis replied that it cannot do it now
 *   (loading, read-only, out of memory, …);
 * - `refused`: Redis refused it for a reason that only an operator can fix;
 * - `late`: Redis ran it too late, and did nothing.
 */
export type RetryReason = 'no_reply' | 'unavailable' | 'refused' | 'late';

/**
 * Called with what happens to events, outside the calls of the publishing program (except for `dropped` with
 * `invalid` or `buffer_full`). An error thrown by an observer does not disturb the publisher: it becomes an uncaught exception.
 */
export interface PublisherObserver {
  /** An entry was appended: the number of its events, and of the attempts it took. */
  published?(fact: { shard: number; entryId: string; events: number; attempts: number }): void;
  /** Events were left out, because an event with the same `swarm_id` and `id` is in the stream. */
  duplicate?(fact: { shard: number; events: number }): void;
  /**
   * Events are in the stream, but not as durable as `durability` asks: this many replicas have them within its time, and they are
   * on the disk of the primary or not. A failover or a crash may lose them. The error says what was missing, or why Redis refused
   * to wait.
   */
  unconfirmed?(fact: {
    shard: number;
    entryId: string;
    events: number;
    replicas: number;
    disk: boolean;
    error: Error;
  }): void;
  /** An attempt to append a batch failed, and is repeated. */
  retried?(fact: {
    shard: number;
    events: number;
    attempt: number;
    reason: RetryReason;
    error?: Error;
  }): void;
  /** Events were dropped. */
  dropped?(fact: { reason: DropReason; events: number; error?: Error }): void;
  /** Redis is connected, and its number of shards is that of the publisher. Also called after each reconnect. */
  connected?(): void;
  /** The connection failed; it is retried, unless a setting is wrong (`ConfigurationError`). */
  disconnected?(fact: { error: Error }): void;
}

/** Calls `observer`; its errors do not reach the caller. */
export function tell(act: () => void): void {
  try {
    act();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
