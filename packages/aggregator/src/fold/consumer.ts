import { isNoGroup, toError, whenReady } from '@streamfold/redis';
import type { GroupOutcome } from '../state/create-group.ts';
import { checkCommit } from '../state/commit-batch.ts';
import { createClaims } from './claims.ts';
import { createHold } from './hold.ts';
import { createPipeline, type PipelineOptions, type Source } from './pipeline.ts';
import { removeConsumer } from '../state/remove-consumers.ts';
import { retry, type Pause } from '../run/retry.ts';

/**
 * One reader of the group. It waits for entries and claims them under one name, and reads ahead under names of their own.
 *
 * ```
 *            start, after a claim,
 *            contested, any error            none left
 *   ─────────────────────────▶ own_pending ────────────▶ new ──┐ read → fold → commit
 *                                   ▲                     │ ◀──┘
 *                                   └─────────────────────┘
 * ```
 *
 * What is pending is read before what is new, because after a crash, a lost reply or a refused commit only Redis knows
 * what is still to be done.
 */
export interface Consumer {
  /**
   * Reads, folds and commits until `stop` is aborted or the generation is dropped; then the batches in hand are committed, the consumer removed from the
   * group if nothing is pending for it, and the promise resolved. Redis being away is waited out.
   */
  run(stop: AbortSignal): Promise<void>;
}

export interface ConsumerOptions extends Omit<PipelineOptions, 'hold'> {
  /** After how long what another consumer left pending is taken over, ms. */
  readonly claimIdleMs: number;
  /** Makes the group and the records of the generation again if they are gone; `gone` if the generation was dropped. */
  readonly restoreGroup: () => Promise<GroupOutcome>;
  readonly pause: Pause;
}

/** A connection that is not ready after this time is reported as a failure, and waited for again. */
const READY_TIMEOUT_MS = 5_000;

/** A consumer that has let its entries go looks this often whether it may try again. */
const LOOK_MS = 500;

/** The consumer is created by its first read. */
export function createConsumer(options: ConsumerOptions): Consumer {
  const { readRedis, redis, generation, names, claimIdleMs, observe, now, pause } = options;
  const { shard } = generation;
  const hold = createHold({ claimIdleMs, now });
  const claims = createClaims(options, hold);
  const pipeline = createPipeline({ ...options, hold });
  let source: Source = 'own_pending';
  let isReported = false;

  /** Redis is away: nothing is read, so nothing is kept from others. */
  const forgetHold = (error: unknown): never => {
    hold.forget();
    throw error;
  };

  /** Reports that entries were let go, and that commits are done again. */
  const report = (refusal: unknown): void => {
    if (refusal !== undefined)
      observe({
        type: 'condition_raised',
        reason: 'commits_refused',
        shard,
        detail: toError(refusal).message,
      });
    else if (isReported) observe({ type: 'condition_cleared', reason: 'commits_refused', shard });
    isReported = refusal !== undefined;
  };

  /** True once a commit would be accepted, and the next try is due. */
  const tryAgain = async (stop: AbortSignal): Promise<boolean> => {
    await checkCommit(redis, generation, names.own);
    if (hold.waitMs() > 0) {
      await pause(Math.min(hold.waitMs(), LOOK_MS), stop);
      return false;
    }
    pipeline.startAnew();
    source = 'own_pending';
    hold.try();
    return true;
  };

  return {
    async run(stop) {
      let gone = false;
      while (!stop.aborted && !gone) {
        await retry({ shard, step: 'fold', observe, pause, stop }, async () => {
          try {
            await Promise.all([
              whenReady(redis, READY_TIMEOUT_MS),
              whenReady(readRedis, READY_TIMEOUT_MS),
            ]).catch(forgetHold);
            if (hold.state === 'released' && !(await tryAgain(stop))) return;
            if (await claims.claimWhenDue()) source = 'own_pending';
            source = await pipeline.turn(source);
            if (hold.state === 'holding') report(undefined);
          } catch (error) {
            if (hold.state === 'released') report(error);
            source = 'own_pending';
            if (isNoGroup(error)) {
              gone = (await restoreGroup(options)) === 'gone';
              if (gone) return;
            }
            throw error;
          }
        });
      }
      if (gone) return;
      await pipeline.finish().catch(leavePending);
      await removeConsumer(redis, generation, { consumer: names.own, idleMs: 0 }).catch(ignoreUnreachable);
    },
  };
}

async function restoreGroup(options: ConsumerOptions): Promise<GroupOutcome> {
  const { observe, generation } = options;
  const { shard, keys } = generation;
  const outcome = await options.restoreGroup();
  if (outcome === 'restored') observe({ type: 'group_restored', shard, group: keys.group });
  if (outcome === 'created') observe({ type: 'group_created', shard, group: keys.group });
  return outcome;
}

/** What cannot be committed now stays pending, and is claimed by others. */
function leavePending(): void {}

/** A consumer that cannot be removed now is removed by the others when it has not been seen for long. */
function ignoreUnreachable(): void {}
