import type { AppendedBatch, AttemptFailure } from './appender.ts';
import { formBatch, type Batch } from './batch.ts';
import type { Bell } from './bell.ts';
import { createEventQueue, type EventQueue } from './event-queue.ts';
import type { Ledger } from './ledger.ts';
import type { PagePool } from './page-pool.ts';
import type { DropFailure } from './publish-error.ts';
import type { Receipt } from './receipt.ts';

/**
 * The events of one shard that are not delivered yet. Each leaves the backlog once, with one outcome, which its receipt and
 * the ledger record. The oldest may be in flight, as one batch: only the outcome of the batch removes them.
 */
export interface Backlog {
  readonly queue: EventQueue;
  /** Forms a batch of the oldest events; the backlog must not be empty. They are in flight from then on. */
  hold(maxEvents: number): Batch;
  /** The events in flight were certainly not appended: they wait again. If Redis refused them, those with a receipt are dropped. */
  requeue(failure: AttemptFailure): void;
  /** The events in flight are in the stream, by this reply or as duplicates. */
  settle(appended: AppendedBatch, attempts: number): void;
  /** Drops the events in flight: it is unknown whether they were appended. */
  giveUp(error?: Error): void;
  /** Drops the events for whose receipt `choose` is true, but none in flight. */
  drop(choose: (receipt: Receipt | undefined) => boolean, reason: DropFailure, error?: Error): void;
}

export interface BacklogContext {
  readonly shard: number;
  readonly pool: PagePool;
  readonly ledger: Ledger;
  /** Rung whenever events leave the backlog. */
  readonly bell: Bell;
}

export function createBacklog({ shard, pool, ledger, bell }: BacklogContext): Backlog {
  const queue = createEventQueue(pool);
  let held: Batch | undefined;

  const leave = ({ events, bytes }: { events: number; bytes: number }): void => {
    ledger.release(events, bytes);
    bell.ring();
  };

  const leaveHeld = (batch: Batch): void => {
    queue.drop(batch.upTo);
    held = undefined;
    leave(batch);
  };

  const reportDropped = (
    { events, receipts }: { events: number; receipts: readonly Receipt[] },
    reason: DropFailure,
    error?: Error,
  ): void => {
    ledger.dropped(reason, events, error);
    for (const receipt of receipts) receipt.dropped(reason, error);
  };

  const drop: Backlog['drop'] = (choose, reason, error) => {
    const extracted = queue.extract(held?.upTo ?? 0, choose);
    leave(extracted);
    reportDropped(extracted, reason, error);
  };

  return {
    queue,
    hold: (maxEvents) => (held = formBatch(queue, maxEvents)),
    requeue({ reason, error }) {
      queue.doubt();
      held = undefined;
      if (reason === 'refused') drop((receipt) => receipt !== undefined, reason, error);
    },
    settle({ entryId, leftOut, confirmation }, attempts) {
      if (held === undefined) return;
      const { events, parts } = held;
      let duplicates = 0;
      parts.forEach((part, index) => {
        const isDuplicate = leftOut.has(index);
        if (isDuplicate) duplicates += part.events;
        for (const receipt of part.receipts) {
          if (confirmation.status === 'unconfirmed') receipt.unconfirmed(confirmation.error);
          if (isDuplicate) receipt.duplicated();
          else receipt.appended(shard, entryId);
        }
      });
      if (attempts > 1) queue.doubt();
      leaveHeld(held);
      const appended = events - duplicates;
      if (appended > 0) ledger.published({ shard, entryId, events: appended, attempts });
      ledger.duplicated({ shard, events: duplicates });
      if (confirmation.status === 'unconfirmed') {
        const { reached, error } = confirmation;
        ledger.unconfirmed({ shard, entryId, events, ...reached, error });
      }
    },
    giveUp(error) {
      if (held === undefined) return;
      const { events, parts } = held;
      queue.doubt();
      leaveHeld(held);
      reportDropped({ events, receipts: parts.flatMap(({ receipts }) => receipts) }, 'fate_unknown', error);
    },
    drop,
  };
}
