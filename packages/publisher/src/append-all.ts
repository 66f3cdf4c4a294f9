import { encodeEvent, type EventInput } from '@streamfold/core';
import type { Deliveries } from './deliveries.ts';
import { InvalidEventError } from './invalid-event-error.ts';
import type { Ledger } from './ledger.ts';
import type { PublisherSettings } from './options.ts';
import { createReceipt, type Appended } from './receipt.ts';
import { toShard, type ShardEvent } from './shard-event.ts';

/** Why an event is not accepted. */
export interface Refusal {
  readonly reason: 'closed' | 'misconfigured' | 'timed_out';
  readonly error?: Error;
}

export interface AppendContext {
  readonly settings: PublisherSettings;
  readonly ledger: Ledger;
  readonly deliveries: Deliveries;
  /** Set once the publisher accepts no more events. */
  readonly refusal: () => Refusal | undefined;
}

const TIMED_OUT: Refusal = { reason: 'timed_out' };

/**
 * Accepts events in order, waits for room, and resolves when all of them are in the stream. After `timeoutMs` it accepts no
 * more, and drops those that were not sent.
 *
 * @throws {InvalidEventError} if one is invalid; then none is accepted.
 * @throws {PublishError} if some could not be appended, or it is unknown whether they were.
 */
export async function appendAll(
  context: AppendContext,
  input: EventInput | readonly EventInput[],
  timeoutMs: number,
): Promise<Appended> {
  const { ledger, deliveries } = context;
  const events = encodeAll(context, isList(input) ? input : [input]);
  const receipt = createReceipt(events.length);
  let expired = false;
  const refusal = (): Refusal | undefined => context.refusal() ?? (expired ? TIMED_OUT : undefined);

  const enqueueAll = async (): Promise<void> => {
    for (const event of events) {
      if (!ledger.hasRoom()) {
        deliveries.hasten();
        await ledger.room(() => refusal() !== undefined);
      }
      const refused = refusal();
      if (refused === undefined) {
        deliveries.enqueue(event, receipt);
      } else {
        ledger.dropped(refused.reason, 1);
        receipt.dropped(refused.reason, refused.error);
      }
    }
    deliveries.hasten();
  };

  const expire = (): void => {
    expired = true;
    ledger.wake();
    deliveries.recall(receipt, 'timed_out');
    // Events that wait for room are dropped first: then only those that were sent are in doubt.
    void enqueued.then(() => receipt.abandon());
  };

  const enqueued = enqueueAll();
  const timer = setTimeout(expire, timeoutMs);
  try {
    const [appended] = await Promise.all([receipt.done, enqueued]);
    return appended;
  } finally {
    clearTimeout(timer);
  }
}

function encodeAll({ settings, ledger }: AppendContext, events: readonly EventInput[]): ShardEvent[] {
  return events.map((event, index) => {
    const encoded = encodeEvent(event);
    if (encoded.ok) return toShard(encoded, settings.shards);
    ledger.dropped('invalid', 1);
    throw new InvalidEventError(index, encoded);
  });
}

function isList(input: EventInput | readonly EventInput[]): input is readonly EventInput[] {
  return Array.isArray(input);
}
