import { createCondition } from '../run/condition.ts';
import type { Observe } from '../run/fact.ts';
import { UnreadableStateError } from '../state/unreadable-snapshot-error.ts';
import type { SwarmMetrics } from './swarm-metrics.ts';

/**
 * Lets the metrics follow the delta log, once for each call, and reports `snapshot_unreadable` for as long as the state cannot be
 * read.
 *
 * @throws what `follow` throws.
 */
export function createFollower(metrics: Pick<SwarmMetrics, 'follow'>, observe: Observe): () => Promise<void> {
  const report = createCondition('snapshot_unreadable', observe);
  return async () => {
    try {
      await metrics.follow();
    } catch (error) {
      if (error instanceof UnreadableStateError) report(undefined, error.message);
      throw error;
    }
    report(undefined, undefined);
  };
}
