import { randomBytes } from 'node:crypto';
import type { EventInput, InvalidEvent } from '@streamfold/core';
import { appendAll, type Refusal } from './append-all.ts';
import { createBell } from './bell.ts';
import { startDeliveries } from './deliveries.ts';
import { encodeForShard } from './encode-for-shard.ts';
import { createLedger, type PublisherStats } from './ledger.ts';
import { openLink } from './link.ts';
import { checkOptions, type PublisherOptions } from './options.ts';
import { PublishError } from './publish-error.ts';
import type { Appended } from './receipt.ts';

/** What `publish` did with an event. */
export type PublishOutcome =
  | { readonly status: 'accepted' }
  | (Omit<InvalidEvent, 'ok'> & { readonly status: 'invalid' })
  | { readonly status: 'full' }
  | { readonly status: 'closed' };

export interface AppendOptions {
  /** How long to wait for the events to be in the stream, ms. Default 30,000; the longest is 2^31 - 1. */
  readonly timeoutMs?: number;
}

export interface CloseOptions {
  /** How long to go on trying to deliver what is left, ms. Default 5,000. */
  readonly deadlineMs?: number;
}

/** What `close` could not deliver. */
export interface Closed {
  /** Events that were accepted, and at the end of closing neither appended nor dropped before. */
  readonly undelivered: number;
  /** Those of them that were sent without a reply: they may be in the stream. */
  readonly fateUnknown: number;
}

export interface Publisher {
  /**
   * Takes an event for publishing, without waiting for Redis. Never throws. The event is validated and copied: changing
   * the object afterwards changes nothing. `full`, `invalid` and `closed` mean that it was not taken.
   * About 2 us, see docs/performance.md.
   */
  publish(event: EventInput): PublishOutcome;
  /**
   * Appends events and resolves when they are in the stream. In order, and with what was published before in front;
   * where the buffer is full it waits for room.
   *
   * Rejects with {@link InvalidEventError}, nothing appended, where one is invalid; with {@link PublishError} where some
   * could not be appended or nobody knows (`reason`).
   */
  append(events: EventInput | readonly EventInput[], options?: AppendOptions): Promise<Appended>;
  /** Sends what was taken so far without waiting for more. Resolves when each of these events is appended or dropped. */
  flush(): Promise<void>;
  /** Resolves when there is room for an event, or the publisher is closed. */
  room(): Promise<void>;
  /**
   * Resolves when Redis was reached and agrees on the number of shards. Need not be called.
   *
   * Rejects with `ConfigurationError` where Redis holds another number, with {@link PublishError} where closed before.
   */
  ready(): Promise<void>;
  /**
   * Takes no more events, and delivers what is left until the deadline. Afterwards the connection is closed, no timer
   * runs, and all promises of this publisher are settled. Calling it again gives the same promise.
   */
  close(options?: CloseOptions): Promise<Closed>;
  stats(): PublisherStats;
}

const APPEND_TIMEOUT_MS = 30_000;
const CLOSE_DEADLINE_MS = 5_000;
const PUBLISHER_ID_BYTES = 9;

const ACCEPTED: PublishOutcome = Object.freeze({ status: 'accepted' });
const FULL: PublishOutcome = Object.freeze({ status: 'full' });
const CLOSED: PublishOutcome = Object.freeze({ status: 'closed' });

/**
 * Creates a publisher, which connects in the background: Redis need not be there.
 *
 * @throws {ConfigurationError} where an option is out of its bounds.
 */
export function createPublisher(options: PublisherOptions): Publisher {
  const settings = checkOptions(options);
  const ledger = createLedger(settings);
  const publisherId = randomBytes(PUBLISHER_ID_BYTES).toString('base64url');
  const changed = createBell();
  let refusal: Refusal | undefined;
  let closing: Promise<Closed> | undefined;

  const link = openLink(settings, () => {
    if (link.misfit !== undefined) {
      // No event may be sent at all: in another number of shards, it would be looked for elsewhere.
      refuse({ reason: 'misconfigured', error: link.misfit });
      void deliveries.end('misconfigured', link.misfit);
    }
    deliveries.wake();
    changed.ring();
  });
  const deliveries = startDeliveries({ publisherId, settings, link, ledger });

  /** Takes no more events from now on. */
  const refuse = (why: Refusal): void => {
    refusal = why;
    ledger.wake();
    changed.ring();
  };

  const publish = (event: EventInput): PublishOutcome => {
    if (refusal !== undefined) {
      ledger.dropped('closed', 1);
      return CLOSED;
    }
    const encoded = encodeForShard(event, settings.shards);
    if (!encoded.ok) {
      ledger.dropped('invalid', 1);
      return { status: 'invalid', reason: encoded.reason, field: encoded.field, detail: encoded.detail };
    }
    if (!ledger.hasRoom) {
      ledger.dropped('buffer_full', 1);
      return FULL;
    }
    deliveries.enqueue(encoded);
    return ACCEPTED;
  };

  const ready = async (): Promise<void> => {
    while (!link.ready && refusal === undefined) await changed.wait();
    if (link.misfit !== undefined) throw link.misfit;
    if (refusal !== undefined) throw new PublishError('closed', 0);
  };

  const close = async (deadlineMs: number): Promise<Closed> => {
    refuse(refusal ?? { reason: 'closed' });
    const before = ledger.stats();
    const deadline = createBell();
    await Promise.race([deliveries.flush(), deadline.wait(deadlineMs)]);
    deadline.ring();
    link.close();
    const left = ledger.stats();
    await deliveries.end('closed');
    const fateUnknown = ledger.stats().dropped.fate_unknown - before.dropped.fate_unknown;
    const givenUp = left.dropped.fate_unknown - before.dropped.fate_unknown;
    return { undelivered: left.bufferedEvents + givenUp, fateUnknown };
  };

  return {
    publish,
    append: async (input, { timeoutMs = APPEND_TIMEOUT_MS } = {}) =>
      appendAll({ settings, ledger, deliveries, refusal: () => refusal }, input, timeoutMs),
    flush: () => deliveries.flush(),
    room: () => ledger.room(() => refusal !== undefined),
    ready,
    close: ({ deadlineMs = CLOSE_DEADLINE_MS } = {}) => (closing ??= close(deadlineMs)),
    stats: () => ledger.stats(),
  };
}
