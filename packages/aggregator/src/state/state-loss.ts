import { type RedisConnection, type Shard, shardKeys } from '@streamfold/redis';

/** Redis went back to an earlier state, or to none: a restore, a failover, FLUSHALL, a restart without persistence. */
export interface StateLoss {
  /** When an aggregator noticed it, by the clock of Redis, ms. */
  readonly atMs: number;
  /** Entries that were folded before, and whose counts are gone with them. */
  readonly entries: number;
  /** Folded entries that Redis still has. */
  readonly leftEntries: number;
}

/** Long enough to be found after a weekend. */
const KEPT_MS = 7 * 86_400_000;

/**
 * HSET state_loss at_ms n entries n left_entries n, then PEXPIRE state_loss ms
 *
 * Records the loss for `status` and `doctor`. Every aggregator that notices it records the same.
 */
export async function recordStateLoss(redis: RedisConnection, shard: Shard, loss: StateLoss): Promise<void> {
  const { stateLoss } = shardKeys(shard);
  const { atMs, entries, leftEntries } = loss;
  await redis.hset(stateLoss, { at_ms: atMs, entries, left_entries: leftEntries });
  await redis.pexpire(stateLoss, KEPT_MS);
}

/** HMGET state_loss at_ms entries left_entries. `undefined` if there was none in the last seven days. */
export async function readStateLoss(redis: RedisConnection, shard: Shard): Promise<StateLoss | undefined> {
  const values = await redis.hmget(shardKeys(shard).stateLoss, 'at_ms', 'entries', 'left_entries');
  const [atMs = NaN, entries = NaN, leftEntries = NaN] = values.map((value) => Number(value ?? NaN));
  return Number.isNaN(atMs + entries + leftEntries) ? undefined : { atMs, entries, leftEntries };
}

/** The loss in words. */
export function describeStateLoss({ atMs, entries, leftEntries }: StateLoss): string {
  const gone = `${entries.toLocaleString('en')} folded ${entries === 1 ? 'entry is' : 'entries are'} gone with ${entries === 1 ? 'its' : 'their'} counts`;
  return `Redis went back to an earlier state, seen ${new Date(atMs).toISOString()}: ${gone}, ${leftEntries.toLocaleString('en')} left. See docs/failure-modes.md`;
}
