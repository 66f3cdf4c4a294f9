import { shardKeys, toError } from '@streamfold/redis';
import { appendEvents, type AppendReply } from './append-events.ts';
import { formBatch, type Batch } from './batch.ts';
import { createBell } from './bell.ts';
import { classifyFailure } from './classify-failure.ts';
import { createEventQueue, type QueuedEvent } from './event-queue.ts';
import type { Ledger } from './ledger.ts';
import type { Link } from './link.ts';
import { tell, type RetryReason } from './observer.ts';
import type { PublisherSettings } from './options.ts';
import type { PublishFailure } from './publish-error.ts';
import type { Receipt } from './receipt.ts';

/**
 * Delivers the events of one shard in the order in which they were published, one batch at a time, while the next one
 * is collected. A batch goes through these states:
 *
 *   open ──formed, sent──▶ sent      formed anew at each attempt, so that it takes along what came meanwhile
 *   sent ──reply──▶ settled          appended, or left out as duplicates
 *   sent ──refused, late──▶ open     surely not appended
 *   sent ──no reply──▶ unknown       perhaps appended
 *   unknown ──sent again, unchanged, under its number──▶ settled | unknown
 *   unknown ──too old──▶ given up    Redis may soon forget it: once more could be twice
 */
export interface Delivery {
  /** Takes an event into the queue. */
  enqueue(text: string, member: string, receipt: Receipt | undefined): void;
  /** Sends what is queued now without waiting for more. */
  hasten(): void;
  /** The same; resolves when all of it is settled. */
  flush(): Promise<void>;
  /** Takes back what `receipt` waits for and was not sent. */
  recall(receipt: Receipt, reason: PublishFailure): void;
  /** Looks again at the link. */
  wake(): void;
  /** Gives up what is left; resolves when nothing is under way any more. The link must be closed. */
  end(reason: PublishFailure, error?: Error): Promise<void>;
}

export interface DeliveryContext {
  readonly shard: number;
  readonly publisherId: string;
  readonly settings: PublisherSettings;
  readonly link: Link;
  readonly ledger: Ledger;
}

/** A queue of this length is sent without waiting for more: a longer entry would hardly cost less per event. */
const ENOUGH_EVENTS = 100;

/** Pauses after failed attempts. What only an operator can mend is tried again every 5 s. */
const PAUSE_FIRST_MS = 20;
const PAUSE_LONGEST_MS = 2_000;
const PAUSE_REFUSED_MS = 5_000;

/** The last part of the window is not used, as a clock may be set by so much. */
const CLOCK_STEP_MS = 2_000;

interface SentBatch {
  readonly batch: Batch;
  readonly number: number;
  /** When its first attempt was sent, on the publisher's clock and that of Redis. */
  readonly sentMs: number;
  readonly sentRedisMs: number;
}

type Attempt =
  | { readonly status: 'settled' }
  | { readonly status: 'failed'; readonly reason: RetryReason; readonly error?: Error };

export function startDelivery(context: DeliveryContext): Delivery {
  const { shard, settings, link, ledger } = context;
  const { now, observer, maxDelayMs, idempotencyWindowMs: windowMs } = settings;
  const { events: stream, publishedIds } = shardKeys(settings.prefix, shard);
  const keys = [
    stream,
    publishedIds,
    `${stream.slice(0, -'events'.length)}publisher:${context.publisherId}`,
  ] as const;
  const trustMs = windowMs - CLOCK_STEP_MS;
  const enough = Math.min(ENOUGH_EVENTS, settings.maxBatchEvents);

  const queue = createEventQueue();
  const bell = createBell();
  /** Events at the head of the queue that are sent, or whose fate is unknown. */
  let held = 0;
  let batches = 0;
  let sequence = 0;
  /** Events up to this one do not wait for more. */
  let hastened = 0;
  let timer: NodeJS.Timeout | undefined;
  let ended: { reason: PublishFailure; error: Error | undefined } | undefined;

  const hasten = (): void => {
    clearTimeout(timer);
    timer = undefined;
    hastened = sequence;
    bell.ring();
  };

  const run = async (): Promise<void> => {
    while (!ended) {
      const oldest = queue.at(0);
      if (oldest === undefined || (oldest.sequence > hastened && queue.length < enough)) await bell.wait();
      else await deliverOldest();
    }
    dropOldest(held, 'fate_unknown', ended.error);
    dropOldest(queue.length, ended.reason, ended.error);
  };

  const deliverOldest = async (): Promise<void> => {
    let unknown: SentBatch | undefined;
    for (let failures = 0; ; failures++) {
      const giveUpMs = unknown === undefined ? Infinity : unknown.sentMs + trustMs;
      while (!ended && !link.ready && now() < giveUpMs) await bell.wait(giveUpMs - now());
      if (ended) return;
      if (now() >= giveUpMs) return giveUp();
      if (unknown === undefined && queue.length === 0) return;
      const sent = unknown ?? sealBatch();
      const attempt = await send(sent, failures + 1);
      if (attempt.status === 'settled') return;
      const { reason, error } = attempt;
      ledger.retried();
      const events = sent.batch.events.length;
      tell(() =>
        observer.retried?.({
          shard,
          events,
          attempt: failures + 1,
          reason,
          ...(error === undefined ? {} : { error }),
        }),
      );
      if (reason === 'late' && unknown !== undefined) return giveUp();
      if (reason === 'no_reply') unknown = sent;
      else if (unknown === undefined) {
        held = 0;
        if (reason === 'refused') recallAll(error);
      }
      await pause(reason === 'refused' ? PAUSE_REFUSED_MS : pauseMs(failures));
    }
  };

  const sealBatch = (): SentBatch => {
    const batch = formBatch(queue, settings.maxBatchEvents);
    held = batch.events.length;
    return { batch, number: ++batches, sentMs: now(), sentRedisMs: link.redisTimeMs() };
  };

  const send = async (sent: SentBatch, attempts: number): Promise<Attempt> => {
    const { batch, number } = sent;
    const call = { keys, number, windowMs, deadlineMs: sent.sentRedisMs + trustMs, batch };
    try {
      const reply = await appendEvents(link.redis, call);
      link.setRedisTimeMs(reply.redisTimeMs);
      if (reply.status === 'late') return { status: 'failed', reason: 'late' };
      settle(batch, reply, attempts);
      return { status: 'settled' };
    } catch (cause) {
      const error = toError(cause);
      return { status: 'failed', reason: classifyFailure(error), error };
    }
  };

  const settle = (
    batch: Batch,
    reply: Extract<AppendReply, { status: 'appended' }>,
    attempts: number,
  ): void => {
    const { entryId, leftOut } = reply;
    let next = 0;
    let duplicates = 0;
    batch.partEvents.forEach((count, part) => {
      for (const event of batch.events.slice(next, next + count)) {
        if (leftOut.has(part)) event.receipt?.duplicated();
        else event.receipt?.appended(shard, entryId);
      }
      next += count;
      if (leftOut.has(part)) duplicates += count;
    });
    removeOldest(batch.events);
    const events = batch.events.length - duplicates;
    if (events > 0) ledger.published({ shard, entryId, events, attempts });
    ledger.duplicated({ shard, events: duplicates });
  };

  const giveUp = (): void => dropOldest(held, 'fate_unknown');

  const dropOldest = (count: number, reason: PublishFailure, error?: Error): void => {
    const events: QueuedEvent[] = [];
    for (let index = 0; index < count; index++) {
      const event = queue.at(index);
      if (event !== undefined) events.push(event);
    }
    removeOldest(events);
    ledger.dropped(reason, events.length, error);
    for (const { receipt } of events) receipt?.dropped(reason, error);
  };

  const removeOldest = (events: readonly QueuedEvent[]): void => {
    queue.drop(events.length);
    held = 0;
    ledger.release(events.length, sumBytes(events));
    bell.ring();
  };

  const take = (choose: (event: QueuedEvent) => boolean, reason: PublishFailure, error?: Error): void => {
    const events = queue.extract(held, choose);
    ledger.release(events.length, sumBytes(events));
    ledger.dropped(reason, events.length, error);
    for (const { receipt } of events) receipt?.dropped(reason, error);
    bell.ring(); // whoever flushes may have waited for these
  };

  const recallAll = (error: Error | undefined): void =>
    take(({ receipt }) => receipt !== undefined, 'refused', error);

  const pause = async (ms: number): Promise<void> => {
    const endMs = now() + ms;
    while (!ended && now() < endMs) await bell.wait(endMs - now());
  };

  const running = run();

  return {
    enqueue(text, member, receipt) {
      queue.push({ text, member, sequence: ++sequence, receipt });
      timer ??= setTimeout(hasten, maxDelayMs);
      // Not at once: what is published in one go shall share an entry, and its publisher not pay for the sending.
      if (queue.length === enough) setImmediate(() => bell.ring());
    },
    hasten,
    async flush() {
      const last = sequence;
      hasten();
      for (let oldest = queue.at(0); oldest && oldest.sequence <= last; oldest = queue.at(0))
        await bell.wait();
    },
    recall: (receipt, reason) => take((event) => event.receipt === receipt, reason),
    wake: () => bell.ring(),
    async end(reason, error) {
      ended ??= { reason, error };
      clearTimeout(timer);
      bell.ring();
      await running;
    },
  };
}

function pauseMs(failures: number): number {
  return Math.min(PAUSE_FIRST_MS * 2 ** Math.min(failures, 20), PAUSE_LONGEST_MS);
}

function sumBytes(events: readonly QueuedEvent[]): number {
  let bytes = 0;
  for (const { text } of events) bytes += text.length;
  return bytes;
}
