import { randomBytes } from 'node:crypto';
import type { EventInput } from '@streamfold/core';
import { toError } from '@streamfold/redis';
import { appendAll, type AppendContext, type Refusal } from './append-all.ts';
import { createBell } from './bell.ts';
import { openConfirmer } from './confirmer.ts';
import { startDeliveries } from './deliveries.ts';
import { isAsked } from './durability.ts';
import { createLedger, type PublisherStats } from './ledger.ts';
import { openLink } from './link.ts';
import { checkOptions, checkWait, type PublisherOptions } from './options.ts';
import { NO_PROGRESS, PublishError } from './publish-error.ts';
import { createPublish, type PublishOutcome } from './publish-event.ts';
import type { Appended } from './receipt.ts';

export interface AppendOptions {
  /** How long to wait for the events to be in the stream, ms. Default 30,000; the longest is 2^31 - 1. */
  readonly timeoutMs?: number;
}

export interface CloseOptions {
  /** How long to keep trying to deliver the remaining events, ms. Default 5,000. */
  readonly deadlineMs?: number;
}

/** The events that `close` could not deliver. */
export interface Closed {
  /** Accepted events that were neither appended nor dropped by the end of closing. */
  readonly undelivered: number;
  /** Those of them that were sent but got no reply: they may be in the stream. */
  readonly fateUnknown: number;
}

export interface Publisher {
  /**
   * Accepts an event for publishing, without waiting for Redis. Never throws. The event is validated and copied: changing
   * the object afterwards has no effect. `full`, `invalid` and `closed` mean that it was not accepted.
   * About one microsecond, see docs/performance.md.
   */
  publish(event: EventInput): PublishOutcome;
  /**
   * Appends events and resolves when they are in the stream. They are appended in order, after all events published
   * before; if the buffer is full, `append` waits for room.
   *
   * Rejects with {@link InvalidEventError}, and appends nothing, if one is invalid; with {@link PublishError} if some could
   * not be appended, it is unknown whether they were, or they are not as durable as `durability` asks (`reason`); with
   * `ConfigurationError` if the timeout is not a number of at least 0.
   */
  append(events: EventInput | readonly EventInput[], options?: AppendOptions): Promise<Appended>;
  /** Sends the events accepted so far without waiting for more. Resolves when each of them is appended or dropped. */
  flush(): Promise<void>;
  /** Resolves when there is room for an event, or the publisher is closed. */
  room(): Promise<void>;
  /**
   * Resolves when Redis is connected and its number of shards is that of the publisher. Calling it is optional.
   *
   * Rejects with `ConfigurationError` if Redis holds another number, and with {@link PublishError} if the publisher is closed before.
   */
  ready(): Promise<void>;
  /**
   * Accepts no more events, and delivers the remaining ones until the deadline. Afterwards the connection is closed, no
   * timer runs, and all promises of this publisher are settled. Calling it again returns the same promise.
   *
   * Rejects with `ConfigurationError`, and stays open, if the deadline is not a number of at least 0.
   */
  close(options?: CloseOptions): Promise<Closed>;
  stats(): PublisherStats;
}

const APPEND_TIMEOUT_MS = 30_000;
const CLOSE_DEADLINE_MS = 5_000;
const PUBLISHER_ID_BYTES = 9;

/**
 * Creates a publisher, which connects in the background: Redis need not be running yet.
 *
 * @throws {ConfigurationError} if an option is missing or out of bounds.
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
      // No event may be sent at all: with another number of shards, readers would look for it elsewhere.
      refuse({ reason: 'misconfigured', error: link.misfit });
      void deliveries.end('misconfigured', link.misfit);
    }
    deliveries.wake();
    changed.ring();
  });
  const confirmer = isAsked(settings.durability) ? openConfirmer(settings) : undefined;
  const deliveries = startDeliveries({ publisherId, settings, link, confirmer, ledger });
  const context: AppendContext = { settings, ledger, deliveries, refusal: () => refusal };

  /** Accepts no more events from now on. */
  const refuse = (why: Refusal): void => {
    refusal = why;
    ledger.wake();
    changed.ring();
  };

  const ready = async (): Promise<void> => {
    while (!link.ready && refusal === undefined) await changed.wait();
    if (link.misfit !== undefined) throw link.misfit;
    if (refusal !== undefined) throw new PublishError('closed', NO_PROGRESS);
  };

  const close = async (deadlineMs: number): Promise<Closed> => {
    refuse(refusal ?? { reason: 'closed' });
    const before = ledger.stats();
    const deadline = createBell();
    await Promise.race([deliveries.flush(), deadline.wait(deadlineMs)]);
    deadline.ring();
    link.close();
    const left = ledger.stats();
    confirmer?.close();
    await deliveries.end('closed');
    const after = ledger.stats();
    const fateUnknown = after.dropped.fate_unknown - before.dropped.fate_unknown;
    const givenUp = left.dropped.fate_unknown - before.dropped.fate_unknown;
    // In the stream, but not confirmed in time.
    const appended = after.published + after.duplicates - left.published - left.duplicates;
    return { undelivered: left.bufferedEvents + givenUp - appended, fateUnknown };
  };

  return {
    publish: createPublish(context),
    append: async (input, { timeoutMs = APPEND_TIMEOUT_MS } = {}) =>
      appendAll(context, input, checkWait('timeoutMs', timeoutMs)),
    flush: () => deliveries.flush(),
    room: () => ledger.room(() => refusal !== undefined),
    ready,
    close({ deadlineMs = CLOSE_DEADLINE_MS } = {}) {
      try {
        return (closing ??= close(checkWait('deadlineMs', deadlineMs)));
      } catch (error) {
        return Promise.reject(toError(error)); // it stays open
      }
    },
    stats: () => ledger.stats(),
  };
}
