import type { RedisConnection } from '@streamfold/redis';
import { countTrimmed } from '../state/count-trimmed.ts';
import type { Observe } from '../run/fact.ts';
import type { Generation } from '../state/generation.ts';
import { removeGoneConsumers } from '../state/remove-consumers.ts';

/**
 * A consumer that was not seen for this long, nor for the time after which entries are claimed, is gone. While nothing
 * comes Redis 7.0 sees a consumer only when it reads its pending entries, which it does after each claim.
 */
export const GONE_IDLE_MS = 60_000;

/** What every aggregator does for a shard now and then: counts what was trimmed unread, removes consumers that are gone. */
export async function keepShard(
  redis: RedisConnection,
  generation: Generation,
  options: { goneIdleMs: number; observe: Observe },
): Promise<void> {
  const { shard } = generation;
  const { goneIdleMs, observe } = options;
  const { lost, replaced } = await countTrimmed(redis, generation);
  if (lost > 0) observe({ type: 'entries_lost', shard, entries: lost });
  if (replaced) observe({ type: 'stream_replaced', shard });
  const consumers = await removeGoneConsumers(redis, generation, goneIdleMs);
  if (consumers > 0) observe({ type: 'consumers_removed', shard, consumers });
}
