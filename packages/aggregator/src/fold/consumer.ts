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
 * Pending entries are read before new ones, because after a crash, a lost reply or a refused commit only Redis knows which
 * are still to be folded.
 */
export interface Consumer {
  /**
   * Reads, folds and commits until `stop` is aborted or the generation is dropped. Then it commits its current batches,
   * removes the consumer from the group if nothing is pending for it, and resolves. While Redis is down it retries.
   */
  run(stop: AbortSignal): Promise<void>;
}

export interface ConsumerOptions extends Omit<PipelineOptions, 'hold'> {
  /** Time after which pending entries of another consumer are claimed, ms. */
  readonly claimIdleMs: number;
  /** Creates the group and the records of the generation again if they are gone; `gone` if the generation was dropped. */
  readonly restoreGroup: () => Promise<GroupOutcome>;
  readonly pause: Pause;
}

/** A connection that is not ready after this time is reported as a failure, and waited for again. */
const READY_TIMEOUT_MS = 5_000;

/** A consumer that has released its entries checks this often whether it may try again. */
const LOOK_MS = 500;

/** The consumer is created by its first read. */
export function createConsumer(options: ConsumerOptions): Consumer {
  const { reads, redis, generation, names, claimIdleMs, observe, now, pause } = options;
  const { shard } = generation;
  const hold = createHold({ claimIdleMs, now });
  const claims = createClaims(options, hold);
  const pipeline = createPipeline({ ...options, hold });
  let source: Source = 'own_pending';
  /** Since the last claim. On a Redis so slow that the next claim is always due, no new entry would be read otherwise. */
  let hasAskedForNew = true;
  let isReported = false;

  /** Redis is down: nothing is read, so no entry is kept from others. */
  const forgetHold = (error: unknown): never => {
    hold.forget();
    throw error;
  };

  /** Reports that entries were released, and that commits succeed again. */
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

  /** True once a commit would be accepted and the next try is due. */
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
            await Promise.all([whenReady(redis, READY_TIMEOUT_MS), reads.whenReady(READY_TIMEOUT_MS)]).catch(
              forgetHold,
            );
            if (hold.state === 'released' && !(await tryAgain(stop))) return;
            if (hasAskedForNew && (await claims.claimWhenDue())) {
              source = 'own_pending';
              hasAskedForNew = false;
            }
            if (source === 'new') hasAskedForNew = true;
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

/** Entries that cannot be committed now stay pending, and are claimed by others. */
function leavePending(): void {}

/** A consumer that cannot be removed now is removed later by the others. */
function ignoreUnreachable(): void {}
