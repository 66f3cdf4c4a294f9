import type { RedisConnection } from '@streamfold/redis';
import type { Observe } from '../run/fact.ts';
import { repeat } from '../run/repeat.ts';
import type { Pause } from '../run/retry.ts';
import type { Actor } from '../run/run-group.ts';
import type { Roster } from './roster.ts';

/** A generation that a rebuild has begun is folded here after at most this time. */
const GENERATIONS_MS = 1_000;

/** Follows the registry and folds its generations until stopped; then commits the current batches. */
export function keepRoster(
  roster: Roster,
  { redis, observe, pause }: { redis: RedisConnection; observe: Observe; pause: Pause },
): Actor {
  const refreshing = repeat({ redis, step: 'generations', everyMs: GENERATIONS_MS, observe, pause }, () =>
    roster.refresh(),
  );
  return async (stopping) => {
    try {
      await Promise.race([refreshing(stopping), roster.failed]);
    } finally {
      await roster.close();
    }
  };
}
