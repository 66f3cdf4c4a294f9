import type { HealthReason } from '@streamfold/core';
import type { Fact, FailingStep } from '../run/fact.ts';
import { describeStateLoss } from '../state/state-loss.ts';
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

/** A loss of state stays a reason for this time, so that it is seen although the aggregator is well again. */
const STATE_LOST_MS = 3_600_000;

/** No condition is raised. `now` is a monotonic clock, ms. */
export function createConditions(now: () => number): Conditions {
  /** The shards whose state was lost, and when that was. */
  const lostAtMs = new Map<number, number>();
  /** The shards on which this process has committed a batch. */
  const folded = new Set<number>();
  const raised = new Map<string, StatedReason>();
  let lastConnectionError: string | undefined;

  const raise = (reason: HealthReason, shard: number | undefined, detail: string): void => {
    raised.set(keyOf(reason, shard), stateReason(reason, detail, shard));
  };
  const clear = (reason: HealthReason, shard: number | undefined): void => {
    raised.delete(keyOf(reason, shard));
  };

  const loseState = (shard: number, detail: string): void => {
    lostAtMs.set(shard, now());
    raise('state_lost', shard, detail);
  };
  const forgetLosses = (): void => {
    for (const [shard, atMs] of lostAtMs) {
      if (now() - atMs < STATE_LOST_MS) continue;
      lostAtMs.delete(shard);
      clear('state_lost', shard);
    }
  };

  return {
    observe(fact) {
      if (fact.type === 'condition_raised') raise(fact.reason, fact.shard, fact.detail);
      else if (fact.type === 'condition_cleared') clear(fact.reason, fact.shard);
      else if (fact.type === 'batch_committed') folded.add(fact.shard);
      else if (fact.type === 'group_created') {
        if (folded.has(fact.shard) && !lostAtMs.has(fact.shard)) loseState(fact.shard, GROUP_GONE);
      } else if (fact.type === 'state_lost') loseState(fact.shard, describeStateLoss(fact));
      else if (fact.type === 'connection_failed') lastConnectionError = fact.error.detail;
      else if (fact.type === 'failed' || fact.type === 'recovered') {
        const reason = REASON_OF_STEP[fact.step];
        if (reason === undefined) return;
        if (fact.type === 'failed') raise(reason, fact.shard, fact.error.message);
        else clear(reason, fact.shard);
      }
    },
    list() {
      forgetLosses();
      return [...raised.values()];
    },
    get lastConnectionError() {
      return lastConnectionError;
    },
  };
}

const GROUP_GONE =
  'Redis no longer had the consumer group and the state into which this aggregator had folded: they were created again, empty. See docs/failure-modes.md';

function keyOf(reason: HealthReason, shard: number | undefined): string {
  return `${reason} ${shard ?? ''}`;
}
