import { swarmShard } from '@streamfold/core';
import type { EventInput, Publisher } from '@streamfold/publisher';
import { connectRedis, isReady, shardKeys, whenReady, type RedisConnection } from '@streamfold/redis';
import { generateEvents, type WireEvent } from './generate-events.ts';

/** Events of all types, one in a hundred bad, each with a number `n` of its own by which it is found again. */
export interface Load {
  /**
   * Publishes the next `count` events: good ones through the publisher, bad ones as a client of another kind would, flat
   * or in the middle of an entry of good ones. What the publisher has taken may still be on its way afterwards.
   */
  publish(count: number): Promise<void>;
  /** Appends what waits for others to share an entry with, and waits for all that is on its way. */
  finish(): Promise<void>;
  /** All that was published; the index is the number. */
  readonly events: readonly WireEvent[];
  /** How many of them the publisher has taken. */
  readonly throughPublisher: number;
  /** Numbers of those that were appended without the publisher and whose reply was lost: in the stream or not. */
  readonly doubtful: ReadonlySet<number>;
}

export interface LoadOptions {
  readonly publisher: Publisher;
  readonly url: string;
  readonly prefix: string;
  readonly seed: number;
  readonly shards?: number;
}

/** Events around, and including, a bad one in an entry of many. */
const SHARED_ENTRY_EVENTS = 4;

/** Many more than any test publishes. */
const ENDLESS = 1e9;

export function createLoad({ publisher, url, prefix, seed, shards = 1 }: LoadOptions): Load {
  const generated = generateEvents(ENDLESS, { seed, bad: true });
  const events: WireEvent[] = [];
  const doubtful = new Set<number>();
  /** By shard: events that will share an entry. */
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
    if (raw.status === 'wait') await raw.connect();
    for (;;) {
      try {
        if (!isReady(raw)) await whenReady(raw, 30_000);
        break;
      } catch {
        // a failed attempt to connect: the next one is waited for
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
