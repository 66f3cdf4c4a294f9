import { startDelivery, type Delivery, type DeliveryContext } from './delivery.ts';
import { memberOf, type ShardEvent } from './shard-event.ts';
import { NOT_PLAIN, swarmShard, type EventWriter } from '@streamfold/core';
import { createPagePool } from './page-pool.ts';
import type { Receipt } from './receipt.ts';

/** The deliveries of all shards as one. */
export interface Deliveries extends Omit<Delivery, 'queue' | 'taken'> {
  /** Adds an event to the buffer, and to the queue of its shard. */
  enqueue(event: ShardEvent, receipt?: Receipt): void;
  /**
   * The same for the event that `writer` has read, which takes `bytes` at most: it is written straight into the queue.
   * `full`: it is valid, and there is no room; `not_plain`: only `encode` can tell whether it is valid.
   */
  write(writer: EventWriter, bytes: number): 'accepted' | 'full' | 'not_plain';
}

/** Large, as what lies in several pages is copied for an entry. All shards together, each with one page, take no more than this. */
const PAGE_BYTES = 256 * 1024;
const SHARDS_BYTES = 8 * 1024 * 1024;

export function startDeliveries(context: Omit<DeliveryContext, 'shard' | 'pool'>): Deliveries {
  const { settings, ledger } = context;
  const { shards } = settings;
  const pool = createPagePool(Math.min(PAGE_BYTES, Math.floor(SHARDS_BYTES / shards)));
  const deliveries = Array.from({ length: shards }, (_, shard) => startDelivery({ ...context, pool, shard }));
  const deliveryOf = (shard: number): Delivery => {
    const delivery = deliveries[shard];
    if (delivery === undefined) throw new RangeError(`expected a shard below ${shards}; got ${shard}`);
    return delivery;
  };
  return {
    enqueue({ text, member, shard }, receipt) {
      const delivery = deliveryOf(shard);
      const isMarked = member !== '' || receipt !== undefined;
      ledger.accept(delivery.queue.pushText(text, isMarked ? { member, receipt } : undefined));
      delivery.taken();
    },
    write(writer, bytes) {
      const delivery = deliveryOf(shards === 1 ? 0 : swarmShard(writer.swarmId, shards));
      const end = writer.write(delivery.queue.tail(bytes));
      if (end === NOT_PLAIN) return 'not_plain';
      if (!ledger.hasRoom()) return 'full';
      const { id } = writer;
      const mark =
        id === undefined ? undefined : { member: memberOf(writer.swarmId, id), receipt: undefined };
      ledger.accept(delivery.queue.push(end, mark));
      delivery.taken();
      return 'accepted';
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
