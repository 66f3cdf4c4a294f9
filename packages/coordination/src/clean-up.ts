import { coordinationKeys, type RedisConnection, type Shard, shardKeys } from '@streamfold/redis';
import { callFunction } from './call-function.ts';

/** The outcome for one coordinator. */
export interface CleanupVerdict {
  readonly swarmId: string;
  readonly coordinatorId: string;
  /**
   * `kept`: it has work or signals that nobody took over. All but the first three are reasons for a refusal;
   * `malformed`: one of its keys has the wrong type.
   */
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
    | 'changed'
    | 'malformed';
}

export interface CleanupOptions {
  /** Only coordinators whose last life ended at least this long ago, ms. */
  readonly endedForMs: number;
  /** Only report what would be removed. */
  readonly dryRun: boolean;
}

/** Coordinators examined by one step: a few ms of Redis. */
const STEP_COORDINATORS = 100;
/** No coordinator ended before 2020: an older time is a mistake. */
const EARLIEST_MS = Date.UTC(2020, 0, 1);
/** A time may be this far ahead of the clock of Redis, which may have been set back. */
const TOLERANCE_MS = 60_000;
/** Coordinators examined by one call of `retainEnded`: the rest can wait for the next one. */
const RETAINED_AT_ONCE = 10_000;

/**
 * Removes the keys of ended coordinators on one shard, step by step; returns a verdict for each that is old enough, or
 * whose record is malformed. Keys are removed by exact name, and only if they have not changed since they were found. A
 * dry run writes nothing.
 */
export async function* cleanUp(
  redis: RedisConnection,
  shard: Shard,
  { endedForMs, dryRun }: CleanupOptions,
): AsyncGenerator<CleanupVerdict> {
  const { events } = shardKeys(shard);
  const { ended } = coordinationKeys(shard);
  for (let skip = 0; skip < (await redis.zcard(ended));) {
    const mode = dryRun ? 'dry_run' : 'remove';
    const verdicts = await cleanUpSome(redis, events, { endedForMs, mode, skip });
    yield* verdicts;
    skip += STEP_COORDINATORS - countRemoved(verdicts);
  }
}

/** The result of a retention: the coordinators it removed, and those that are old enough and stay. */
export interface Retained {
  readonly removed: number;
  /** Coordinators with work or signals that nobody took over. */
  readonly kept: number;
  /** Coordinators with malformed records; `streamfold cleanup` names them. */
  readonly refused: number;
}

/**
 * Removes the keys of coordinators on one shard whose last life ended at least this long ago, in steps of 100, at most
 * about 10,000. It examines no other coordinators, so it can be called often, and by several programs.
 */
export async function retainEnded(
  redis: RedisConnection,
  shard: Shard,
  { endedForMs }: { readonly endedForMs: number },
): Promise<Retained> {
  const { events } = shardKeys(shard);
  const counts = { removed: 0, kept: 0, refused: 0 };
  for (let looked = 0, skip = 0; looked < RETAINED_AT_ONCE;) {
    const verdicts = await cleanUpSome(redis, events, { endedForMs, mode: 'retain', skip });
    const removed = countRemoved(verdicts);
    const kept = verdicts.filter(({ verdict }) => verdict === 'kept').length;
    counts.removed += removed;
    counts.kept += kept;
    counts.refused += verdicts.length - removed - kept;
    if (verdicts.length < STEP_COORDINATORS) break;
    looked += verdicts.length;
    skip += verdicts.length - removed;
  }
  return counts;
}

async function cleanUpSome(
  redis: RedisConnection,
  events: string,
  step: {
    readonly endedForMs: number;
    readonly mode: 'dry_run' | 'remove' | 'retain';
    readonly skip: number;
  },
): Promise<CleanupVerdict[]> {
  const { endedForMs, mode, skip } = step;
  const args = [endedForMs, STEP_COORDINATORS, mode, EARLIEST_MS, TOLERANCE_MS, skip];
  const report = (await callFunction(redis, 'clean-up', [events, ...args])) as string[];
  const verdicts: CleanupVerdict[] = [];
  for (let at = 0; at < report.length; at += 2) {
    const [swarmId = '', coordinatorId = ''] = (report[at] ?? '').split('|');
    verdicts.push({ swarmId, coordinatorId, verdict: report[at + 1] as CleanupVerdict['verdict'] });
  }
  return verdicts;
}

function countRemoved(verdicts: readonly CleanupVerdict[]): number {
  return verdicts.filter(({ verdict }) => verdict === 'removed').length;
}
