/**
 * Why an event was dropped:
 * - `invalid`: it does not follow the contract;
 * - `buffer_full`: Redis did not keep up, or was away, until the buffer was full;
 * - `fate_unknown`: it was sent, no reply came, and sending it again could append it twice. It may be in the stream;
 * - `refused`: Redis refused it in a way that waiting does not mend (permissions, wrong type of key); only `append`;
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
 * - `unavailable`: it was not sent, as the connection had just broken, or Redis said that it cannot do it now (loading,
 *   read-only, out of memory, …);
 * - `refused`: Redis refused it in a way that only an operator can mend;
 * - `late`: Redis came to it too late, and did nothing.
 */
export type RetryReason = 'no_reply' | 'unavailable' | 'refused' | 'late';

/**
 * Told of what happens to events, off the path of who publishes them (but for `dropped` with `invalid` or
 * `buffer_full`). What an observer throws does not disturb the publisher: it becomes an uncaught exception.
 */
export interface PublisherObserver {
  /** An entry with so many events was appended, at the so-manieth attempt. */
  published?(fact: { shard: number; entryId: string; events: number; attempts: number }): void;
  /** Events were left out: an event with the same `swarm_id` and `id` is in the stream. */
  duplicate?(fact: { shard: number; events: number }): void;
  /** A batch was tried in vain and is tried again. */
  retried?(fact: {
    shard: number;
    events: number;
    attempt: number;
    reason: RetryReason;
    error?: Error;
  }): void;
  /** Events were given up. */
  dropped?(fact: { reason: DropReason; events: number; error?: Error }): void;
  /** Redis is reached, and agrees on the number of shards. Also after each reconnect. */
  connected?(): void;
  /** The connection failed; it is tried again, unless a setting is wrong (`ConfigurationError`). */
  disconnected?(fact: { error: Error }): void;
}

/** Tells `observer`, whose own failures stay its own. */
export function tell(act: () => void): void {
  try {
    act();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
