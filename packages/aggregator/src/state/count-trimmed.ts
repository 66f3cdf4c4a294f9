import { type RedisConnection } from '@streamfold/redis';
import { loadDeltaLogScript } from './delta-log-script.ts';
import type { Generation } from './generation.ts';

const script = loadDeltaLogScript(new URL('../../lua/count-trimmed.lua', import.meta.url));

/** The result of counting. */
export interface TrimmedCount {
  /** Entries that were trimmed before the group had read them, and were not yet known to be lost. */
  readonly lost: number;
  /** The stream is another one than before: it was deleted, renamed or restored, and its counters were adopted. */
  readonly replaced: boolean;
}

/**
 * EVALSHA count-trimmed.lua 3 events deltas head group
 *
 * Counts the entries that were trimmed before the group had read them, and records them in the delta log. Exact once all
 * but a few entries of the stream are delivered, or none; until then 0.
 */
export async function countTrimmed(
  redis: RedisConnection,
  { shardKeys, keys }: Generation,
): Promise<TrimmedCount> {
  const reply = await script.run(redis, [shardKeys.events, keys.deltas, keys.head], [keys.group]);
  const [lost, replaced] = reply as [number, 0 | 1];
  return { lost, replaced: replaced === 1 };
}
