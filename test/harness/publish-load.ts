import { swarmShard } from '@streamfold/core';
import type { EventInput, Publisher } from '@streamfold/publisher';
import { connectRedis, isReady, shardKeys, whenReady, type RedisConnection } from '@streamfold/redis';
import { generateEvents, type WireEvent } from './generate-events.ts';

/** Events of all types, one in a hundred bad, each with its own number `n` that identifies it. */
export interface Load {
  /**
   * Publishes the next `count` events: good ones through the publisher, bad ones as another kind of client would, flat or in
   * the middle of a batch of good ones. Events accepted by the publisher may still be in flight afterwards.
   */
  publish(count: number): Promise<void>;
  /** Appends the events that still wait to fill a batch, and waits for all events in flight. */
  finish(): Promise<void>;
  /** All published events; the index is the number. */
  readonly events: readonly WireEvent[];
  /** The number of them that the publisher has accepted. */
  readonly throughPublisher: number;
  /** Numbers of the events that were appended without the publisher and whose reply was lost: they may be in the stream. */
  readonly doubtful: ReadonlySet<number>;
}

export interface LoadOptions {
  readonly publisher: Publisher;
  readonly url: string;
  readonly prefix: string;
  readonly seed: number;
  readonly shards?: number;
}

/** The number of events in the batch around a bad one, including it. */
const SHARED_ENTRY_EVENTS = 4;

/** Far more than any test publishes. */
const ENDLESS = 1e9;

export function createLoad({ publisher, url, prefix, seed, shards = 1 }: LoadOptions): Load {
  const generated = generateEvents(ENDLESS, { seed, bad: true });
  const events: WireEvent[] = [];
  const doubtful = new Set<number>();
  /** By shard: events that will be one batch. */
  const sharing = new Map<number, WireEvent[]>();
  let raw: RedisConnection | undefined;
  let bad = 0;
  let throughPublisher = 0;

  const append = async (
    shard: number,
    members: readonly WireEvent[],
    fields: readonly string[],
  ): Promise<void> => {
    raw ??= connectRedis(url, { name: 'raw', commandTimeoutMs: 30_000 });
    if (raw.status === 'wait') raw.connect().catch(() => undefined); // of a Cluster it may never settle
    for (;;) {
      try {
        if (!isReady(raw)) await whenReady(raw, 30_000);
        break;
      } catch {
        // a failed attempt to connect: wait for the next one
      }
    }
    try {
      await raw.xadd(shardKeys({ prefix, shard }).events, '*', ...fields);
    } catch {
      for (const { n } of members) doubtful.add(Number(n));
    }
  };

  const appendShared = async (shard: number): Promise<void> => {
    const members = sharing.get(shard) ?? [];
    sharing.delete(shard);
    if (members.length > 0) await append(shard, members, ['events', JSON.stringify(members)]);
  };

  const publishOne = async (event: WireEvent): Promise<void> => {
    const shard = swarmShard(event['swarm_id'] ?? '', shards);
    const members = sharing.get(shard);
    if (members !== undefined) {
      if (members.push(event) === SHARED_ENTRY_EVENTS) await appendShared(shard);
      return;
    }
    for (;;) {
      const { status } = publisher.publish(event as unknown as EventInput);
      if (status === 'accepted') {
        throughPublisher += 1;
        return;
      }
      if (status === 'closed') throw new Error('expected an open publisher');
      if (status === 'invalid') break;
      await publisher.room();
    }
    bad += 1;
    if (bad % 2 === 0) sharing.set(shard, [event]);
    else await append(shard, [event], Object.entries(event).flat());
  };

  return {
    events,
    doubtful,
    get throughPublisher() {
      return throughPublisher;
    },
    async publish(count) {
      for (let left = count; left > 0; left--) {
        const event = { ...generated.next().value, n: String(events.length) } as WireEvent;
        events.push(event);
        await publishOne(event);
      }
    },
    async finish() {
      await publisher.flush();
      for (const shard of sharing.keys()) await appendShared(shard);
      raw?.disconnect();
      raw = undefined;
    },
  };
}
