import { compareStamps, stampMs, type EntryId } from '@streamfold/core';
import { loadScript, STREAM_LUA, type RedisConnection } from '@streamfold/redis';
import { COUNTERS_LUA } from './delta-log-script.ts';
import type { Generation } from './generation.ts';

const script = loadScript(new URL('../../lua/measure-lag.lua', import.meta.url), STREAM_LUA, COUNTERS_LUA);

/** How far folding lags behind publishing, on one shard. */
export interface Lag {
  /** Entries in the stream. */
  readonly streamEntries: number;
  /** Entries that are not folded yet: not delivered to any consumer, or pending. */
  readonly lagEntries: number;
  /** Entries delivered to a consumer and not acknowledged. */
  readonly pendingEntries: number;
  /**
   * Age of the oldest entry that is not folded yet, by the clock of Redis; 0 if all are folded. For an entry with an ID from
   * the future: the time since its delivery.
   */
  readonly lagSeconds: number;
  /** The oldest entry that is not folded yet. */
  readonly oldestUnfolded: EntryId | undefined;
  /** Consumers of the group, whether they still run or not. */
  readonly consumers: number;
  /** How far the last ID of the stream is ahead of the clock of Redis; 0 if it is not. */
  readonly idsAheadSeconds: number;
  /** How often the oldest pending entry was delivered; 0 if none is pending. */
  readonly deliveries: number;
}

/**
 * EVALSHA measure-lag.lua 2 events head group
 *
 * Measured here because the lag that XINFO GROUPS shows counts entries that were trimmed, and is unknown after an XDEL.
 *
 * @throws NOGROUP if there is no group.
 */
export async function measureLag(redis: RedisConnection, { shardKeys, keys }: Generation): Promise<Lag> {
  const reply = await script.run(redis, [shardKeys.events, keys.head], [keys.group]);
  const [
    streamEntries,
    undelivered,
    pendingEntries,
    consumers,
    pending,
    idleMs,
    deliveries,
    next,
    last,
    now,
  ] = reply as [number, number, number, number, EntryId, number, number, EntryId, EntryId, string];
  const nowMs = Number(now);
  const oldestUnfolded = earlier(pending, next);
  const ageMs = oldestUnfolded === undefined ? 0 : Math.max(0, nowMs - stampMs(oldestUnfolded), idleMs);
  return {
    streamEntries,
    lagEntries: undelivered + pendingEntries,
    pendingEntries,
    lagSeconds: ageMs / 1_000,
    oldestUnfolded,
    consumers,
    idsAheadSeconds: Math.max(0, stampMs(last) - nowMs) / 1_000,
    deliveries,
  };
}

/** The earlier of two entries, either of which may be missing (''). */
function earlier(left: EntryId, right: EntryId): EntryId | undefined {
  if (left === '' || right === '') return left === '' && right === '' ? undefined : `${left}${right}`;
  return compareStamps(left, right) < 0 ? left : right;
}
