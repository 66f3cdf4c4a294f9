import type { HealthReason } from '@streamfold/core';
import type { Observe } from './fact.ts';

/** Reports whether a condition holds on a shard, or in the process if that is `undefined`: as long as it does, with a detail. */
export type ReportCondition = (shard: number | undefined, detail: string | undefined) => void;

/** A condition that does not hold anywhere yet. Only what changes becomes a fact: that it holds, its detail, that it is over. */
export function createCondition(reason: HealthReason, observe: Observe): ReportCondition {
  const raised = new Map<number | undefined, string>();
  return (shard, detail) => {
    if (detail === undefined) {
      if (raised.delete(shard)) observe({ type: 'condition_cleared', reason, shard });
      return;
    }
    if (raised.get(shard) !== detail) observe({ type: 'condition_raised', reason, shard, detail });
    raised.set(shard, detail);
  };
}
