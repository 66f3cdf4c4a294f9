import type { HealthReason } from '@streamfold/core';
import type { Fact, FailingStep } from '../run/fact.ts';
import { stateReason, type StatedReason } from './health-reason.ts';

/** The current conditions that the parts of this process have reported. */
export interface Conditions {
  /** Takes note of a fact that raises or clears a condition; others change nothing. */
  observe(fact: Fact): void;
  /** The reasons that are raised, each with its shard. */
  list(): readonly StatedReason[];
  /** The latest reason for which Redis was not reached. */
  readonly lastConnectionError: string | undefined;
}

/** Steps whose failure is a condition until the step succeeds again. Others report theirs with a `condition_raised`. */
const REASON_OF_STEP: Readonly<Record<FailingStep, HealthReason | undefined>> = {
  open: 'shards_not_open',
  view: 'view_stalled',
  fold: undefined,
  upkeep: undefined,
  monitor: undefined,
  generations: undefined,
  archive: undefined,
  cleanup: undefined,
  bounds: undefined,
};

/** No condition is raised. */
export function createConditions(): Conditions {
  const raised = new Map<string, StatedReason>();
  let lastConnectionError: string | undefined;

  const raise = (reason: HealthReason, shard: number | undefined, detail: string): void => {
    raised.set(keyOf(reason, shard), stateReason(reason, detail, shard));
  };
  const clear = (reason: HealthReason, shard: number | undefined): void => {
    raised.delete(keyOf(reason, shard));
  };

  return {
    observe(fact) {
      if (fact.type === 'condition_raised') raise(fact.reason, fact.shard, fact.detail);
      else if (fact.type === 'condition_cleared') clear(fact.reason, fact.shard);
      else if (fact.type === 'connection_failed') lastConnectionError = fact.error.detail;
      else if (fact.type === 'failed' || fact.type === 'recovered') {
        const reason = REASON_OF_STEP[fact.step];
        if (reason === undefined) return;
        if (fact.type === 'failed') raise(reason, fact.shard, fact.error.message);
        else clear(reason, fact.shard);
      }
    },
    list: () => [...raised.values()],
    get lastConnectionError() {
      return lastConnectionError;
    },
  };
}

function keyOf(reason: HealthReason, shard: number | undefined): string {
  return `${reason} ${shard ?? ''}`;
}
