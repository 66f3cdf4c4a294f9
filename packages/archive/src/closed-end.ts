import type { EntryId } from '@streamfold/core';
import { generationKeys, loadScript, STREAM_LUA, shardKeys, type RedisConnection } from '@streamfold/redis';

const script = loadScript(new URL('../lua/find-closed-end.lua', import.meta.url), STREAM_LUA);

/**
 * EVALSHA find-closed-end.lua 1 events prefix age
 *
 * The ID up to which the log is closed: every generation has folded all up to it, and it is `settleMs` old on the clock
 * of Redis. `undefined` where nothing is.
 */
export async function findClosedEnd(
  redis: RedisConnection,
  { prefix, shard }: { prefix: string; shard: number },
  settleMs: number,
): Promise<EntryId | undefined> {
  const { events } = shardKeys(prefix, shard);
  const closed = String(await script.run(redis, [events], [groupPrefix(prefix), settleMs]));
  return closed === '' ? undefined : closed;
}

/** What the names of the groups of all generations begin with. */
export function groupPrefix(prefix: string): string {
  return generationKeys(prefix, 0, '').group;
}
