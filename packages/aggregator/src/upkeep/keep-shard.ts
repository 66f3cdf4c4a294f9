import type { RedisConnection } from '@streamfold/redis';
import { countTrimmed } from '../state/count-trimmed.ts';
import type { Observe } from '../run/fact.ts';
import type { Generation } from '../state/generation.ts';
import { removeGoneConsumers } from '../state/remove-consumers.ts';
import { trimDeadLetters } from '../state/trim-dead-letters.ts';

/**
 * A consumer that was not seen for this long, nor for the time after which entries are claimed, is gone. On an idle stream
 * Redis 7.0 sees a consumer only when it reads its pending entries, which it does after each claim.
 */
export const GONE_IDLE_MS = 60_000;

/** Dead letters kept on a shard by default: about 130 MB, since one takes about 1.3 kB. */
export const DEAD_LETTERS_MOST = 100_000;

/** The periodic work of every aggregator on a shard: counts entries trimmed unread, removes gone consumers, trims dead letters. */
export async function keepShard(
  redis: RedisConnection,
  generation: Generation,
  options: { goneIdleMs: number; deadLettersMost: number; observe: Observe },
): Promise<void> {
  const { shard } = generation;
  const { goneIdleMs, deadLettersMost, observe } = options;
  const { lost, replaced } = await countTrimmed(redis, generation);
  if (lost > 0) observe({ type: 'entries_lost', shard, entries: lost });
  if (replaced) observe({ type: 'stream_replaced', shard });
  const consumers = await removeGoneConsumers(redis, generation, goneIdleMs);
  if (consumers > 0) observe({ type: 'consumers_removed', shard, consumers });
  const deadLetters = await trimDeadLetters(redis, generation, deadLettersMost);
  if (deadLetters > 0) observe({ type: 'dead_letters_trimmed', shard, deadLetters });
}
