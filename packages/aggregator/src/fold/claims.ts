import { claimEntries } from '../state/claim-entries.ts';
import { listConsumers } from '../state/remove-consumers.ts';
import type { ConsumerOptions } from './consumer.ts';
import type { Hold } from './hold.ts';

/** Takes over entries that others left pending, or that this reader did in an earlier life. */
export interface Claims {
  /** Claims if it is due, and only if this reader can commit. Returns true if its own pending entries are to be read then. */
  claimWhenDue(): Promise<boolean>;
}

/** A claim is tried this many times within the idle time, so that little is added to it. */
const CLAIMS_PER_IDLE_TIME = 4;

/**
 * Reading and committing a batch takes a few round trips to Redis. Entries that were idle for less time than this many
 * claims take are not abandoned: Redis is slow, and readers that take entries from each other fold nothing.
 */
const CLAIM_TIMES_TO_COMMIT = 10;

/** If Redis is slow, the time between two claims is this many times what a claim takes, but not more than the idle time. */
const CLAIM_TIMES_BETWEEN_CLAIMS = 4;

/** The first claim is due at once. */
export function createClaims(
  { redis, generation, names, claimIdleMs, observe, now }: ConsumerOptions,
  hold: Hold,
): Claims {
  const { shard } = generation;
  let nextMs = now();
  let claimMs = 0;
  return {
    async claimWhenDue() {
      if (hold.state !== 'holding' || now() < nextMs) return false;
      const startedMs = now();
      nextMs = startedMs + claimIdleMs / CLAIMS_PER_IDLE_TIME;
      const { claimed, lost } = await claimEntries(redis, generation, {
        consumer: names.own,
        idleMs: Math.ceil(Math.max(claimIdleMs, CLAIM_TIMES_TO_COMMIT * claimMs)),
      }).catch((error: unknown) => {
        hold.refused(); // it needs the same as a commit
        throw error;
      });
      claimMs = now() - startedMs;
      nextMs = Math.max(nextMs, now() + Math.min(CLAIM_TIMES_BETWEEN_CLAIMS * claimMs, claimIdleMs));
      if (lost > 0) observe({ type: 'entries_lost', shard, entries: lost });
      if (claimed > 0) observe({ type: 'entries_claimed', shard, entries: claimed });
      names.adopt((await listConsumers(redis, generation)).map(({ name }) => name));
      // Even if nothing was claimed: a read that waits for new entries does not count as a sign of life in Redis 7.0.
      return true;
    },
  };
}
