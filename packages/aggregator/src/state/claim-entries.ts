import { type RedisConnection } from '@streamfold/redis';
import { loadDeltaLogScript } from './delta-log-script.ts';
import type { Generation } from './generation.ts';

const script = loadDeltaLogScript(new URL('../../lua/claim-entries.lua', import.meta.url));

/** A healthy consumer commits an entry at its first or second delivery; one that tries every two seconds has these in half a minute. */
export const TOO_MANY_DELIVERIES = 16;

/** Entries taken over by one step; bounds how long it occupies Redis. */
const CLAIM_COUNT = 1_000;

export interface Claim {
  /** Entries that are now pending for this consumer. */
  readonly claimed: number;
  /** Entries that were trimmed from the stream while they were pending. They are recorded as lost. */
  readonly lost: number;
}

/**
 * XAUTOCLAIM key group consumer min-idle-time start COUNT count JUSTID, in steps
 *
 * Takes over all entries that have been pending for `idleMs`, or were delivered too often. Afterwards the consumer
 * reads them as its own.
 */
export async function claimEntries(
  redis: RedisConnection,
  { shardKeys, keys }: Generation,
  { consumer, idleMs }: { consumer: string; idleMs: number },
): Promise<Claim> {
  let cursor = '0-0';
  let claimed = 0;
  let lost = 0;
  do {
    const args = [keys.group, consumer, idleMs, cursor, CLAIM_COUNT, TOO_MANY_DELIVERIES];
    const reply = await script.run(redis, [shardKeys.events, keys.deltas, keys.head], args);
    const [next, taken, trimmed] = reply as [string, number, number];
    cursor = next;
    claimed += taken;
    lost += trimmed;
  } while (cursor !== '0-0' && claimed < CLAIM_COUNT);
  return { claimed, lost };
}
