import { whenReady } from '@streamfold/redis';
import { claimEntries } from './read/claim-entries.ts';
import { createGroup } from './create-group.ts';
import { createPipeline, type PipelineOptions, type Source } from './pipeline.ts';
import { removeConsumer } from './remove-consumers.ts';
import { retry, type Pause } from './retry.ts';

/**
 * One consumer of the group.
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
   * Reads, folds and commits until `stop` is aborted; then the batches in hand are committed, the consumer removed from the
   * group if nothing is pending for it, and the promise resolved. Redis being away is waited out.
   */
  run(stop: AbortSignal): Promise<void>;
}

export interface ConsumerOptions extends PipelineOptions {
  /** After how long what another consumer left pending is taken over, ms. */
  readonly claimIdleMs: number;
  /** Records again what was recorded when the aggregator started: whatever took the group away may have taken that too. */
  readonly recordAgain: () => Promise<void>;
  readonly pause: Pause;
}

/** A claim is tried this many times within the idle time, so that little is added to it. */
const CLAIMS_PER_IDLE_TIME = 4;

/** A connection that is not there after this time is told of as a failure, and waited for again. */
const READY_TIMEOUT_MS = 5_000;

/** The consumer is created by its first read. */
export function createConsumer(options: ConsumerOptions): Consumer {
  const { readRedis, redis, generation, consumer, claimIdleMs, observe, now, pause } = options;
  const { shard } = generation;
  const pipeline = createPipeline(options);
  let source: Source = 'own_pending';
  let nextClaimMs = now();

  const claimWhenDue = async (): Promise<void> => {
    if (now() < nextClaimMs) return;
    nextClaimMs = now() + claimIdleMs / CLAIMS_PER_IDLE_TIME;
    const { claimed, lost } = await claimEntries(redis, generation, { consumer, idleMs: claimIdleMs });
    if (lost > 0) observe({ type: 'entries_lost', shard, entries: lost });
    if (claimed > 0) observe({ type: 'entries_claimed', shard, entries: claimed });
    // Also where nothing was claimed: a read that waits for new entries does not count as a sign of life in Redis 7.0.
    source = 'own_pending';
  };

  const restoreGroup = async (): Promise<void> => {
    await options.recordAgain();
    const outcome = await createGroup(redis, generation);
    const type = outcome === 'restored' ? 'group_restored' : 'group_created';
    if (outcome !== 'exists') observe({ type, shard, group: generation.keys.group });
  };

  return {
    async run(stop) {
      while (!stop.aborted) {
        await retry({ shard, step: 'fold', observe, pause, stop }, async () => {
          try {
            await whenReady(redis, READY_TIMEOUT_MS);
            await whenReady(readRedis, READY_TIMEOUT_MS);
            await claimWhenDue();
            source = await pipeline.turn(source);
          } catch (error) {
            source = 'own_pending';
            if (isNoGroup(error)) await restoreGroup();
            else if (isTimeout(error))
              for (const connection of [redis, readRedis]) connection.disconnect(true);
            throw error;
          }
        });
      }
      await pipeline.finish().catch(leavePending);
      await removeConsumer(redis, generation, { consumer, idleMs: 0 }).catch(ignoreUnreachable);
    },
  };
}

function isNoGroup(error: unknown): boolean {
  return error instanceof Error && error.message.includes('NOGROUP');
}

/** A reply that comes late must not be taken for that of a later command's effect: start again on a new connection. */
function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.message === 'Command timed out';
}

/** What cannot be committed now stays pending, and is claimed by others. */
function leavePending(): void {}

/** A consumer that cannot be removed now is removed by the others when it has not been seen for long. */
function ignoreUnreachable(): void {}
