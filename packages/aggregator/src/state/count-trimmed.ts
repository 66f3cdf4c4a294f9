import { type RedisConnection } from '@streamfold/redis';
import { loadDeltaLogScript } from './delta-log-script.ts';
import type { Generation } from './generation.ts';

const script = loadDeltaLogScript(new URL('../../lua/count-trimmed.lua', import.meta.url));

/**
 * EVALSHA count-trimmed.lua 3 events deltas head group
 *
 * Entries that were trimmed before the group had read them, and were not known to be lost before; they are recorded in
 * the delta log. Exact once everything in the stream is delivered, or nothing of it; until then 0.
 */
export async function countTrimmed(redis: RedisConnection, { shardKeys, keys }: Generation): Promise<number> {
  return Number(await script.run(redis, [shardKeys.events, keys.deltas, keys.head], [keys.group]));
}
