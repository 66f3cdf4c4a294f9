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
  const condition = { reason: 'snapshot_unreadable', shard: undefined } as const;
  let isRaised = false;
  return async () => {
    try {
      await metrics.follow();
    } catch (error) {
      if (error instanceof UnreadableStateError) {
        isRaised = true;
        observe({ type: 'condition_raised', ...condition, detail: error.message });
      }
      throw error;
    }
    if (isRaised) observe({ type: 'condition_cleared', ...condition });
    isRaised = false;
  };
}
