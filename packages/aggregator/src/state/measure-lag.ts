import { compareStamps, stampMs, type EntryId } from '@streamfold/core';
import { readServerTimeMs, replyField, type RedisConnection } from '@streamfold/redis';
import type { Generation } from './generation.ts';

/** How far folding is behind publishing, on one shard. */
export interface Lag {
  /** Entries in the stream. */
  readonly streamEntries: number;
  /** Entries that are not folded yet: not delivered to any consumer, or pending. */
  readonly lagEntries: number;
  /** Entries delivered to a consumer and not acknowledged. */
  readonly pendingEntries: number;
  /** Age of the oldest entry that is not folded yet, on the clock of Redis; 0 where all are. */
  readonly lagSeconds: number;
  /** The oldest entry that is not folded yet. */
  readonly oldestUnfolded: EntryId | undefined;
  /** Consumers of the group, whether they still run or not. */
  readonly consumers: number;
}

/**
 * XINFO STREAM, XINFO GROUPS, XPENDING, TIME and XRANGE for one entry
 *
 * Measured here because the lag that XINFO GROUPS tells counts entries that were trimmed and is unknown after an XDEL.
 * Where Redis cannot tell, entries are counted, up to a bound. Costs nothing that grows with the stream otherwise.
 */
export async function measureLag(redis: RedisConnection, { shardKeys, keys }: Generation): Promise<Lag> {
  const { events } = shardKeys;
  const groups = (await redis.xinfo('GROUPS', events)) as unknown[][];
  const group = groups.find((fields) => replyField(fields, 'name') === keys.group);
  if (group === undefined)
    throw new Error(`NOGROUP expected consumer group ${keys.group} on ${events}; there is none`);
  const lastDelivered = String(replyField(group, 'last-delivered-id'));
  const length = await redis.xlen(events);
  // Of the same moment as the last delivered entry: one that is delivered just now would be counted twice.
  const pendingEntries = Number(replyField(group, 'pending'));
  const [, oldestPending] = (await redis.xpending(events, keys.group)) as [number, string | null];
  const [next] = await redis.xrange(events, `(${lastDelivered}`, '+', 'COUNT', 1);
  const undelivered =
    next === undefined
      ? 0
      : await countUndelivered(redis, { events, lastDelivered, length, told: replyField(group, 'lag') });
  const oldestUnfolded = earlier(oldestPending ?? undefined, next?.[0]);
  const nowMs = await readServerTimeMs(redis);
  return {
    streamEntries: length,
    lagEntries: undelivered + pendingEntries,
    pendingEntries,
    lagSeconds: oldestUnfolded === undefined ? 0 : Math.max(0, nowMs - stampMs(oldestUnfolded)) / 1_000,
    oldestUnfolded,
    consumers: Number(replyField(group, 'consumers')),
  };
}

/** Entries counted one by one at most, where Redis cannot tell their number. */
const COUNT_BOUND = 10_000;

async function countUndelivered(
  redis: RedisConnection,
  stream: { events: string; lastDelivered: EntryId; length: number; told: unknown },
): Promise<number> {
  const [first] = await redis.xrange(stream.events, '-', '+', 'COUNT', 1);
  const nothingDelivered = first !== undefined && compareStamps(stream.lastDelivered, first[0]) < 0;
  if (nothingDelivered) return stream.length;
  if (typeof stream.told === 'number') return Math.min(stream.told, stream.length);
  return (await redis.xrange(stream.events, `(${stream.lastDelivered}`, '+', 'COUNT', COUNT_BOUND)).length;
}

function earlier(left: EntryId | undefined, right: EntryId | undefined): EntryId | undefined {
  if (left === undefined || right === undefined) return left ?? right;
  return compareStamps(left, right) < 0 ? left : right;
}
