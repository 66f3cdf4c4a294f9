import { randomBytes } from 'node:crypto';
import type { ConfigurationError } from '@streamfold/redis';
import { encodeEvent, swarmShard, type EventInput, type InvalidEvent } from '@streamfold/core';
import { createBell } from './bell.ts';
import { startDelivery } from './delivery.ts';
import { InvalidEventError } from './invalid-event-error.ts';
import { createLedger, type PublisherStats } from './ledger.ts';
import { openLink } from './link.ts';
import { checkOptions, type PublisherOptions } from './options.ts';
import { PublishError } from './publish-error.ts';
import { createReceipt, type Appended, type Receipt } from './receipt.ts';

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
/** What a timer of Node bears, some 25 days; with more it would go off at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
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
  let closed = false;
  let closing: Promise<Closed> | undefined;

  const link = openLink(settings, () => {
    if (link.misfit !== undefined) refuseAll(link.misfit);
    for (const delivery of deliveries) delivery.wake();
    changed.ring();
  });
  const deliveries = Array.from({ length: settings.shards }, (_, shard) =>
    startDelivery({ shard, publisherId, settings, link, ledger }),
  );

  /** No event may be sent at all: in another number of shards, it would be looked for elsewhere. */
  const refuseAll = (error: ConfigurationError): void => {
    closed = true;
    ledger.wake();
    for (const delivery of deliveries) void delivery.end('misconfigured', error);
  };

  const enqueue = (event: EncodedEvent, receipt?: Receipt): void => {
    ledger.accept(event.text.length);
    deliveries[event.shard]?.enqueue(event.text, event.member, receipt);
  };

  const publish = (event: EventInput): PublishOutcome => {
    if (closed) {
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
    enqueue(encoded);
    return ACCEPTED;
  };

  const append = async (
    input: EventInput | readonly EventInput[],
    { timeoutMs = APPEND_TIMEOUT_MS }: AppendOptions = {},
  ): Promise<Appended> => {
    const events = encodeAll(isList(input) ? input : [input]);
    const receipt = createReceipt(events.length);
    let expired = false;
    const enqueued = enqueueAll(events, receipt, () => expired);
    const timer = setTimeout(
      () => {
        expired = true;
        ledger.wake();
        for (const delivery of deliveries) delivery.recall(receipt, 'timed_out');
        // What has waited for room is dropped first: only what is under way then is in doubt.
        void enqueued.then(() => receipt.abandon());
      },
      Math.min(timeoutMs, LONGEST_TIMER_MS),
    );
    try {
      const [appended] = await Promise.all([receipt.done, enqueued]);
      return appended;
    } finally {
      clearTimeout(timer);
    }
  };

  const encodeAll = (events: readonly EventInput[]): EncodedEvent[] =>
    events.map((event, index) => {
      const encoded = encodeForShard(event, settings.shards);
      if (encoded.ok) return encoded;
      ledger.dropped('invalid', 1);
      throw new InvalidEventError(index, encoded);
    });

  const enqueueAll = async (
    events: readonly EncodedEvent[],
    receipt: Receipt,
    isExpired: () => boolean,
  ): Promise<void> => {
    for (const event of events) {
      if (!ledger.hasRoom) {
        hastenAll();
        await ledger.room(() => closed || isExpired());
      }
      if (closed || isExpired()) {
        const reason = closed ? (link.misfit === undefined ? 'closed' : 'misconfigured') : 'timed_out';
        ledger.dropped(reason, 1);
        receipt.dropped(reason, link.misfit);
      } else {
        enqueue(event, receipt);
      }
    }
    hastenAll();
  };

  const hastenAll = (): void => {
    for (const delivery of deliveries) delivery.hasten();
  };

  const flush = async (): Promise<void> => {
    await Promise.all(deliveries.map((delivery) => delivery.flush()));
  };

  const ready = async (): Promise<void> => {
    while (!link.ready && !closed) await changed.wait();
    if (link.misfit !== undefined) throw link.misfit;
    if (closed) throw new PublishError('closed', 0);
  };

  const close = async (deadlineMs: number): Promise<Closed> => {
    closed = true;
    ledger.wake();
    changed.ring();
    const before = ledger.stats();
    const deadline = createBell();
    await Promise.race([flush(), deadline.wait(deadlineMs)]);
    deadline.ring();
    link.close();
    const left = ledger.stats();
    await Promise.all(deliveries.map((delivery) => delivery.end('closed')));
    const fateUnknown = ledger.stats().dropped.fate_unknown - before.dropped.fate_unknown;
    const givenUp = left.dropped.fate_unknown - before.dropped.fate_unknown;
    return { undelivered: left.bufferedEvents + givenUp, fateUnknown };
  };

  return {
    publish,
    append,
    flush,
    room: () => ledger.room(() => closed),
    ready,
    close: ({ deadlineMs = CLOSE_DEADLINE_MS } = {}) => (closing ??= close(deadlineMs)),
    stats: () => ledger.stats(),
  };
}

interface EncodedEvent {
  readonly ok: true;
  readonly text: string;
  readonly member: string;
  readonly shard: number;
}

function encodeForShard(event: EventInput, shards: number): EncodedEvent | InvalidEvent {
  const encoded = encodeEvent(event);
  if (!encoded.ok) return encoded;
  const { swarm_id, id } = event;
  const swarmId: unknown = swarm_id; // callers without types may hand over a number
  const member = id === undefined ? '' : `${swarm_id} ${id}`;
  return {
    ok: true,
    text: encoded.text,
    member,
    shard: shards === 1 ? 0 : swarmShard(String(swarmId), shards),
  };
}

function isList(input: EventInput | readonly EventInput[]): input is readonly EventInput[] {
  return Array.isArray(input);
}
