import { startDelivery, type Delivery, type DeliveryContext } from './delivery.ts';
import type { EncodedEvent } from './encode-for-shard.ts';
import type { Receipt } from './receipt.ts';

/** The deliveries of all shards as one. */
export interface Deliveries extends Omit<Delivery, 'enqueue'> {
  /** Adds an event to the buffer, and to the queue of its shard. */
  enqueue(event: EncodedEvent, receipt?: Receipt): void;
}

export function startDeliveries(context: Omit<DeliveryContext, 'shard'>): Deliveries {
  const { settings, ledger } = context;
  const deliveries = Array.from({ length: settings.shards }, (_, shard) =>
    startDelivery({ ...context, shard }),
  );
  return {
    enqueue({ text, member, shard }, receipt) {
      ledger.accept(text.length);
      deliveries[shard]?.enqueue(text, member, receipt);
    },
    hasten: () => deliveries.forEach((delivery) => delivery.hasten()),
    recall: (receipt, reason) => deliveries.forEach((delivery) => delivery.recall(receipt, reason)),
    wake: () => deliveries.forEach((delivery) => delivery.wake()),
    async flush() {
      await Promise.all(deliveries.map((delivery) => delivery.flush()));
    },
    async end(reason, error) {
      await Promise.all(deliveries.map((delivery) => delivery.end(reason, error)));
    },
  };
}
