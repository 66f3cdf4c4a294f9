import { createEventWriter, type EventInput, type InvalidEvent } from '@streamfold/core';
import type { AppendContext } from './append-all.ts';
import { toShard } from './shard-event.ts';

/** The result of `publish` for an event. */
export type PublishOutcome =
  | { readonly status: 'accepted' }
  | (Omit<InvalidEvent, 'ok'> & { readonly status: 'invalid' })
  | { readonly status: 'full' }
  | { readonly status: 'closed' };

const ACCEPTED: PublishOutcome = Object.freeze({ status: 'accepted' });
const FULL: PublishOutcome = Object.freeze({ status: 'full' });
const CLOSED: PublishOutcome = Object.freeze({ status: 'closed' });

/**
 * Makes the function that takes one event into the queue of its shard, on the path of the program that publishes: usually it
 * writes the event there as bytes; an event that is unusual or invalid is encoded as a text first.
 */
export function createPublish(context: AppendContext): (event: EventInput) => PublishOutcome {
  const { settings, ledger, deliveries, refusal } = context;
  const writer = createEventWriter();

  const refuseFull = (): PublishOutcome => {
    ledger.dropped('buffer_full', 1);
    return FULL;
  };

  return (event) => {
    if (refusal() !== undefined) {
      ledger.dropped('closed', 1);
      return CLOSED;
    }
    const bytes = writer.read(event);
    const written = bytes === 0 ? 'not_plain' : deliveries.write(writer, bytes);
    if (written === 'accepted') return ACCEPTED;
    if (written === 'full') return refuseFull();
    const encoded = writer.encode();
    if (!encoded.ok) {
      ledger.dropped('invalid', 1);
      return { status: 'invalid', reason: encoded.reason, field: encoded.field, detail: encoded.detail };
    }
    if (!ledger.hasRoom()) return refuseFull();
    deliveries.enqueue(toShard(encoded, settings.shards));
    return ACCEPTED;
  };
}
