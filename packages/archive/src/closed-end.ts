import type { EntryId } from '@streamfold/core';
import { generationKeys, type RedisConnection, type Shard, shardKeys } from '@streamfold/redis';
import { loadAgeScript } from './age-script.ts';

const script = loadAgeScript(new URL('../lua/find-closed-end.lua', import.meta.url));

/**
 * EVALSHA find-closed-end.lua 2 events ages prefix age
 *
 * The ID up to which the log is closed: every generation has folded all up to it, and it is `settleMs` old on the clock
 * of Redis. `undefined` if nothing is closed. An ID that runs ahead of the clock is as old as its mark: see `markAges`.
 */
export async function findClosedEnd(
  redis: RedisConnection,
  shard: Shard,
  settleMs: number,
): Promise<EntryId | undefined> {
  const { events, ages } = shardKeys(shard);
  const closed = String(await script.run(redis, [events, ages], [groupPrefix(shard), settleMs]));
  return closed === '' ? undefined : closed;
}

/** Prefix of the group names of all generations. */
export function groupPrefix(shard: Shard): string {
  return generationKeys(shard, '').group;
}
