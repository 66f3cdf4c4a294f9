import { createAppender, type AppenderContext, type NumberedBatch } from './appender.ts';
import { createBacklog } from './backlog.ts';
import { createBell } from './bell.ts';
import type { EventQueue } from './event-queue.ts';
import type { Ledger } from './ledger.ts';
import type { PagePool } from './page-pool.ts';
import type { RetryReason } from './observer.ts';
import type { DropFailure } from './publish-error.ts';
import type { Receipt } from './receipt.ts';

/** Delivers the events of one shard in the order in which they were published. */
export interface Delivery {
  /** Events that are not delivered yet. After each that is pushed, call `taken`. */
  readonly queue: EventQueue;
  taken(): void;
  /** Sends the queued events without waiting for more. */
  hasten(): void;
  /** The same; resolves when each of these events is settled or dropped. */
  flush(): Promise<void>;
  /** Drops the events of `receipt` that were not sent. */
  recall(receipt: Receipt, reason: DropFailure): void;
  /** Checks the link again. */
  wake(): void;
  /** Drops the remaining events; resolves when nothing is in flight. The link must be closed. */
  end(reason: DropFailure, error?: Error): Promise<void>;
}

export interface DeliveryContext extends AppenderContext {
  readonly ledger: Ledger;
  readonly pool: PagePool;
}

/** A queue of this length is sent without waiting for more: a longer entry costs hardly less per event. */
const ENOUGH_EVENTS = 100;

/** Pauses after failed attempts. A failure that only an operator can fix is retried every 5 s. */
const PAUSE_FIRST_MS = 20;
const PAUSE_LONGEST_MS = 2_000;
const PAUSE_REFUSED_MS = 5_000;

/**
 * One batch is in flight at a time, while the next one is collected:
 *
 * ```
 *                      formed, numbered, sent               reply
 *   publish ─▶ queued ───────────────────────▶ sent ──────────────────▶ settled: appended, or a duplicate
 *                ▲                              │ │                        ▲
 *                └─ surely not appended: late, ─┘ │ no reply               │ reply
 *                   unavailable, refused          ▼                        │
 *                                              unknown ─ sent again, unchanged, under its number
 *                                                 │
 *                                                 └─ late, or too old: given up, as its number may be forgotten
 * ```
 *
 * If `durability` is asked for, a reply settles the batch only once that is confirmed, or its time is over. If Redis is lost
 * meanwhile, that is `no reply`: the batch is `unknown`.
 *
 * A batch of queued events is formed again at each attempt, so that it includes events that arrived meanwhile. `recall`
 * takes events only from `queued`. After `end`, those that are `sent` or `unknown` are abandoned, the others dropped.
 */
export function startDelivery(context: DeliveryContext): Delivery {
  const { shard, settings, link, ledger, pool } = context;
  const { now, maxDelayMs, maxBatchEvents } = settings;
  const enough = Math.min(ENOUGH_EVENTS, maxBatchEvents);
  const bell = createBell();
  const backlog = createBacklog({ shard, pool, ledger, bell });
  const appender = createAppender(context);
  const { queue } = backlog;
  /** Events up to this one do not wait for more. */
  let hastened = 0;
  let timer: NodeJS.Timeout | undefined;
  let ended: { reason: DropFailure; error: Error | undefined } | undefined;

  const hasten = (): void => {
    clearTimeout(timer);
    timer = undefined;
    hastened = queue.latest;
    bell.ring();
  };

  const run = async (): Promise<void> => {
    while (!ended) {
      const { oldest } = queue;
      if (oldest === undefined || (oldest > hastened && queue.length < enough)) await bell.wait();
      else await deliverOldest();
    }
    backlog.giveUp(ended.error);
    backlog.drop(() => true, ended.reason, ended.error);
  };

  const deliverOldest = async (): Promise<void> => {
    let unknown: NumberedBatch | undefined;
    for (let attempt = 1; ; attempt++) {
      const giveUpMs = unknown?.giveUpMs ?? Infinity;
      await waitUntil(giveUpMs, () => link.ready);
      if (ended) return;
      if (now() >= giveUpMs) return backlog.giveUp();
      if (unknown === undefined && queue.length === 0) return;
      const sent = unknown ?? appender.number(backlog.hold(maxBatchEvents));
      const outcome = await appender.append(sent);
      if (outcome.status === 'appended') return backlog.settle(outcome, attempt);
      const { failure } = outcome;
      ledger.retried({ shard, events: sent.batch.events, attempt, ...failure });
      if (failure.reason === 'late' && unknown !== undefined) return backlog.giveUp();
      if (failure.reason === 'no_reply') unknown = sent;
      else if (unknown === undefined) backlog.requeue(failure);
      await waitUntil(now() + pauseMs(failure.reason, attempt));
    }
  };

  const waitUntil = async (endMs: number, isOver = () => false): Promise<void> => {
    while (!ended && !isOver() && now() < endMs) await bell.wait(endMs - now());
  };

  const running = run();

  return {
    queue,
    taken() {
      timer ??= setTimeout(hasten, maxDelayMs);
      // Not at once: events published in one go should share an entry, and their publisher should not pay for the sending.
      if (queue.length === enough) setImmediate(() => bell.ring());
    },
    hasten,
    async flush() {
      const last = queue.latest;
      hasten();
      while ((queue.oldest ?? Infinity) <= last) await bell.wait();
    },
    recall: (receipt, reason) => backlog.drop((each) => each === receipt, reason),
    wake: () => bell.ring(),
    async end(reason, error) {
      ended ??= { reason, error };
      clearTimeout(timer);
      bell.ring();
      await running;
    },
  };
}

function pauseMs(reason: RetryReason, attempt: number): number {
  if (reason === 'refused') return PAUSE_REFUSED_MS;
  return Math.min(PAUSE_FIRST_MS * 2 ** Math.min(attempt - 1, 20), PAUSE_LONGEST_MS);
}
