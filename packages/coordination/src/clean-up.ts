import { shardKeys, type RedisConnection } from '@streamfold/redis';
import { callFunction } from './function-library.ts';

/** What became of a coordinator that was looked at. */
export interface CleanupVerdict {
  readonly swarmId: string;
  readonly coordinatorId: string;
  /** `kept`: it has work or signals that nobody took over. All others than the first three are reasons of a refusal. */
  readonly verdict:
    | 'removed'
    | 'would_remove'
    | 'kept'
    | 'not_a_number'
    | 'not_whole'
    | 'in_the_future'
    | 'too_old'
    | 'in_seconds'
    | 'in_microseconds'
    | 'alive'
    | 'changed';
}

export interface CleanupOptions {
  /** Only coordinators whose last life ended at least so long ago, ms. */
  readonly endedForMs: number;
  /** Only say what would be removed. */
  readonly dryRun: boolean;
}

/** Coordinators looked at by one step: some ms of Redis. */
const STEP_COORDINATORS = 100;
/** No coordinator ended before 2020: an older time is a mistake. */
const EARLIEST_MS = Date.UTC(2020, 0, 1);
/** A time may be so far ahead of the clock of Redis, which may have been set back. */
const TOLERANCE_MS = 60_000;

/**
 * Removes what coordinators left on one shard, step by step; gives a verdict for each that is old enough, or whose record
 * is not as it must be. Keys are removed by exact name, and only if they are as they were found. A dry run writes nothing.
 */
export async function* cleanUp(
  redis: RedisConnection,
  { prefix, shard }: { readonly prefix: string; readonly shard: number },
  { endedForMs, dryRun }: CleanupOptions,
): AsyncGenerator<CleanupVerdict> {
  const base = shardKeys(prefix, shard);
  const ended = `${base.events.slice(0, -'events'.length)}ended`;
  for (let skip = 0; skip < (await redis.zcard(ended));) {
    const report = (await callFunction(redis, 'clean-up', [
      base.events,
      endedForMs,
      STEP_COORDINATORS,
      dryRun ? 'dry_run' : 'remove',
      EARLIEST_MS,
      TOLERANCE_MS,
      skip,
    ])) as string[];
    let removed = 0;
    for (let at = 0; at < report.length; at += 2) {
      const [swarmId = '', coordinatorId = ''] = (report[at] ?? '').split('|');
      const verdict = report[at + 1] as CleanupVerdict['verdict'];
      if (verdict === 'removed') removed++;
      yield { swarmId, coordinatorId, verdict };
    }
    skip += STEP_COORDINATORS - removed;
  }
}
