import type { AppendedReply } from './append-events.ts';
import type { AttemptFailure } from './appender.ts';
import { formBatch, type Batch } from './batch.ts';
import type { Bell } from './bell.ts';
import { createEventQueue, type EventQueue, type QueuedEvent } from './event-queue.ts';
import type { Ledger } from './ledger.ts';
import type { PublishFailure } from './publish-error.ts';

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
  settle(reply: AppendedReply, attempts: number): void;
  /** Drops the events in flight: it is unknown whether they were appended. */
  giveUp(error?: Error): void;
  /** Drops the events for which `choose` is true, but none in flight. */
  drop(choose: (event: QueuedEvent) => boolean, reason: PublishFailure, error?: Error): void;
}

export interface BacklogContext {
  readonly shard: number;
  readonly ledger: Ledger;
  /** Rung whenever events leave the backlog. */
  readonly bell: Bell;
}

export function createBacklog({ shard, ledger, bell }: BacklogContext): Backlog {
  const queue = createEventQueue();
  let held: Batch | undefined;

  const leave = (events: readonly QueuedEvent[]): void => {
    ledger.release(events.length, sumBytes(events));
    bell.ring();
  };

  const leaveHeld = ({ events }: Batch): void => {
    queue.drop(events.length);
    held = undefined;
    leave(events);
  };

  const reportDropped = (events: readonly QueuedEvent[], reason: PublishFailure, error?: Error): void => {
    ledger.dropped(reason, events.length, error);
    for (const { receipt } of events) receipt?.dropped(reason, error);
  };

  const drop: Backlog['drop'] = (choose, reason, error) => {
    const events = queue.extract(held?.events.length ?? 0, choose);
    leave(events);
    reportDropped(events, reason, error);
  };

  return {
    queue,
    hold: (maxEvents) => (held = formBatch(queue, maxEvents)),
    requeue({ reason, error }) {
      held = undefined;
      if (reason === 'refused') drop(({ receipt }) => receipt !== undefined, reason, error);
    },
    settle({ entryId, leftOut }, attempts) {
      if (held === undefined) return;
      const { events, parts } = held;
      let duplicates = 0;
      parts.forEach((part, index) => {
        const isDuplicate = leftOut.has(index);
        if (isDuplicate) duplicates += part.length;
        for (const { receipt } of part) {
          if (isDuplicate) receipt?.duplicated();
          else receipt?.appended(shard, entryId);
        }
      });
      leaveHeld(held);
      const appended = events.length - duplicates;
      if (appended > 0) ledger.published({ shard, entryId, events: appended, attempts });
      ledger.duplicated({ shard, events: duplicates });
    },
    giveUp(error) {
      if (held === undefined) return;
      const { events } = held;
      leaveHeld(held);
      reportDropped(events, 'fate_unknown', error);
    },
    drop,
  };
}

function sumBytes(events: readonly QueuedEvent[]): number {
  let bytes = 0;
  for (const { text } of events) bytes += text.length;
  return bytes;
}
