import { isAfter, type EntryId } from '@streamfold/core';
import { loadScript, STREAM_LUA, type RedisConnection } from '@streamfold/redis';
import type { Generation } from './generation.ts';
import type { Position } from './read-deltas.ts';

const script = loadScript(new URL('../../lua/read-cut.lua', import.meta.url), STREAM_LUA);

/** More pending entries than this are not read in one step; there are that many only if aggregators have died. */
const MAX_PENDING = 100_000;

/**
 * One moment of a shard: the state at `position` of the delta log is the fold of all entries up to `lastDelivered`
 * without those that are pending.
 */
export interface Cut {
  readonly position: Position;
  /** The last entry that was delivered, or, if it is a later one, the last one folded from the archive. */
  readonly lastDelivered: EntryId;
  readonly pending: ReadonlySet<EntryId>;
  /** Entries that were ever added to the stream, and those that are still in it. */
  readonly entriesAdded: number;
  readonly length: number;
}

/**
 * EVALSHA read-cut.lua 2 events head group max
 *
 * @throws {Error} if too many entries are pending to be read in one step.
 */
export async function readCut(redis: RedisConnection, { shardKeys, keys }: Generation): Promise<Cut> {
  const reply = await script.run(redis, [shardKeys.events, keys.head], [keys.group, MAX_PENDING]);
  const [delivered, position, entriesAdded, length, pending, archivedTo] = reply as [
    string,
    string,
    number,
    number,
    string[],
    string,
  ];
  if (delivered === 'too_many_pending') {
    throw new Error(
      `pending entries: expected at most ${MAX_PENDING}; got ${position}: let the aggregators catch up`,
    );
  }
  const lastDelivered = isAfter(archivedTo, delivered) ? archivedTo : delivered;
  return { lastDelivered, position, entriesAdded, length, pending: new Set(pending) };
}
