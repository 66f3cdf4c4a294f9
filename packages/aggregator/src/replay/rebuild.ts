import type { EntryId } from '@streamfold/core';
import { askAll, type RedisConnection, replyField } from '@streamfold/redis';
import { createGroup } from '../state/create-group.ts';
import { describeGeneration, isFoldedBy } from '../state/generation.ts';
import { dropFromShard } from '../state/drop-generation.ts';
import { haveFolded } from '../state/has-folded.ts';
import { handOver } from '../state/hand-over-dead-letters.ts';
import { readRegistry } from '../state/read-registry.ts';
import { boundCommit, runConsumers, type ConsumerSettings } from '../fold/run-consumers.ts';
import { measureLag } from '../state/measure-lag.ts';
import type { Difference } from './compare-states.ts';
import {
  beginRebuild,
  findMissing,
  MEASURED_AT_ONCE,
  type BeginRebuildOptions,
  type BegunRebuild,
  type MissingEntries,
  type RefusedRebuild,
} from './begin-rebuild.ts';
import { compareGenerations } from './compare-generations.ts';
import { foldArchived } from './fold-archived.ts';
import { followStream, switchGeneration } from '../state/switch-generation.ts';

export interface RebuildOptions extends BeginRebuildOptions, Omit<ConsumerSettings, 'mode'> {
  readonly redis: RedisConnection;
  readonly onBegin: (rebuild: BegunRebuild) => void;
  /** Entries that cannot be folded again, and that the rebuild was forced to skip. */
  readonly onLeftOut: (missing: readonly MissingEntries[]) => void;
  readonly onProgress: (progress: RebuildProgress) => void;
}

/** The progress of a rebuild. */
export interface RebuildProgress {
  readonly stage: 'archive' | 'stream' | 'comparing';
  /** Entries folded by any program, and those known to be left. */
  readonly foldedEntries: number;
  readonly leftEntries: number;
}

export type RebuildOutcome =
  | RefusedRebuild
  | {
      readonly outcome: 'switched';
      readonly from: string;
      readonly to: string;
      /** Both have the same definitions, and are equal. */
      readonly compared: boolean;
    }
  /** Both have the same definitions, but differ: nothing was switched. */
  | {
      readonly outcome: 'differs';
      readonly building: string;
      readonly differences: readonly ShardDifference[];
    }
  /** Stopped: the next rebuild resumes it. */
  | { readonly outcome: 'stopped'; readonly building: string }
  /** Cancelled meanwhile. */
  | { readonly outcome: 'cancelled'; readonly building: string };

interface ShardDifference extends Difference {
  readonly shard: number;
}

/** Interval of the check whether a rebuild has caught up. */
const LOOK_MS = 200;
/** A rebuild has caught up if everything published up to some moment is folded within this time. */
const CAUGHT_UP_MS = 2_000;

/**
 * Folds everything again, with the definitions of `catalogue`, into a new generation, and makes that the live one.
 *
 * Aggregators help, and the live generation is served meanwhile. A rebuild can be stopped or killed at any moment: the
 * next run resumes it.
 */
export async function rebuild(options: RebuildOptions, stop: AbortSignal): Promise<RebuildOutcome> {
  const begun = await beginRebuild(options.redis, options);
  if (begun.outcome !== 'begun') return begun;
  options.onBegin(begun);
  const running = { ...begun, options, stop };
  const ended =
    (begun.stage === 'archive' ? await takeSteps(ARCHIVE_STEPS, running) : undefined) ??
    (await whileFolding(running, () => takeSteps(STREAM_STEPS, running)));
  return ended ?? { outcome: 'switched', from: begun.live, to: begun.id, compared: isComparable(running) };
}

interface RunningRebuild extends BegunRebuild {
  readonly options: RebuildOptions;
  readonly stop: AbortSignal;
}

/** A step of a rebuild. Returns the outcome of the rebuild, or `undefined` if the next step follows. */
type Step = (rebuild: RunningRebuild) => Promise<RebuildOutcome | undefined>;

/** Until these are done only the rebuild folds. A rebuild that is resumed before that starts with the first one again. */
const ARCHIVE_STEPS: readonly Step[] = [reserveGroups, acceptMissing, foldArchive, openToAggregators];
/** In these steps every aggregator folds the stream, and so does the rebuild. */
const STREAM_STEPS: readonly Step[] = [catchUp, compare, switchOver];

async function takeSteps(
  steps: readonly Step[],
  running: RunningRebuild,
): Promise<RebuildOutcome | undefined> {
  for (const step of steps) {
    const ended = await step(running);
    if (ended !== undefined) return ended;
  }
  return undefined;
}

/** Folds the stream while `work` runs. Rejects if it fails. */
async function whileFolding<T>({ generations, options }: RunningRebuild, work: () => Promise<T>): Promise<T> {
  const folding = new AbortController();
  const consuming = runConsumers(generations, { ...options, mode: () => 'replayed' }, folding.signal);
  const failed = consuming.then(() => new Promise<never>(() => undefined));
  failed.catch(() => undefined); // the race below reports it
  try {
    return await Promise.race([work(), failed]);
  } finally {
    folding.abort();
    await consuming.catch(() => undefined);
  }
}

/** Ends a rebuild before its last step, unless another command for the same rebuild was faster. */
async function conclude(
  { id, live, options: { redis, prefix } }: RunningRebuild,
  outcome: 'cancelled' | 'stopped',
): Promise<RebuildOutcome> {
  const registry = await readRegistry(redis, prefix);
  if (registry.live === id) return { outcome: 'switched', from: live, to: id, compared: false };
  return { outcome, building: id };
}

/** Groups keep the stream from being trimmed, so they are created first. */
async function reserveGroups(running: RunningRebuild): Promise<RebuildOutcome | undefined> {
  const { id, generations, options } = running;
  const { redis, prefix } = options;
  await askAll(generations, (generation) => createGroup(redis, generation, 'building'));
  const registry = await readRegistry(redis, prefix);
  if (registry.building === id) return undefined;
  const state = registry.generations.get(id)?.state;
  const isCancelled = state !== 'live' && state !== 'retired'; // otherwise another command was faster
  if (isCancelled) await askAll(generations, (generation) => dropFromShard(redis, generation));
  return conclude(running, 'cancelled');
}

/**
 * Looks for missing entries again: some may have been trimmed before the groups were created, and a resumed rebuild may
 * lack the archive with which it was begun.
 */
async function acceptMissing({ options }: RunningRebuild): Promise<RebuildOutcome | undefined> {
  const missing = await findMissing(options.redis, options);
  if (missing.length === 0) return undefined;
  if (!options.force) return { outcome: 'missing', shards: missing };
  options.onLeftOut(missing);
  return undefined;
}

/** Folds the entries that only the archive has, shard by shard. */
async function foldArchive(running: RunningRebuild): Promise<RebuildOutcome | undefined> {
  const { generations, options, stop } = running;
  const { redis, shards, log, batchEntries, onProgress } = options;
  if (log === undefined) return undefined;
  let foldedEntries = await countFolded(running); // before it was stopped
  const extents = await askAll(generations, ({ shard }) => log.measure(shard), MEASURED_AT_ONCE);
  const total = extents.reduce((sum, { archivedEntries }) => sum + archivedEntries, 0);
  for (const generation of generations) {
    const outcome = await foldArchived(redis, generation, {
      log,
      shards,
      bounds: boundCommit(batchEntries),
      stop,
      onProgress(entries) {
        foldedEntries += entries;
        onProgress({ stage: 'archive', foldedEntries, leftEntries: Math.max(0, total - foldedEntries) });
      },
    });
    if (outcome !== 'done') return conclude(running, outcome === 'gone' ? 'cancelled' : 'stopped');
  }
  return undefined;
}

async function openToAggregators(running: RunningRebuild): Promise<RebuildOutcome | undefined> {
  const { redis, prefix } = running.options;
  return (await followStream(redis, prefix, running.id)) ? undefined : conclude(running, 'cancelled');
}

/** Waits until all published entries are folded, except for those of the last moment. */
async function catchUp(running: RunningRebuild): Promise<RebuildOutcome | undefined> {
  const { id, generations, options, stop } = running;
  const { redis, prefix, now, pause } = options;
  for (;;) {
    const ends = await readEnds(running);
    const sinceMs = now();
    while (!(await haveFolded(redis, generations, ends))) {
      if (stop.aborted) return conclude(running, 'stopped');
      if ((await readRegistry(redis, prefix)).building !== id) return conclude(running, 'cancelled');
      await reportProgress(running, 'stream');
      await pause(LOOK_MS, stop);
    }
    if (now() - sinceMs < CAUGHT_UP_MS) return undefined;
  }
}

/** XINFO STREAM events, of each shard: the entry that was added last. */
function readEnds({ generations, options: { redis } }: RunningRebuild): Promise<(EntryId | undefined)[]> {
  return askAll(generations, async ({ shardKeys }) => {
    const stream = (await redis.xinfo('STREAM', shardKeys.events)) as unknown[];
    const end = String(replyField(stream, 'last-generated-id'));
    return end === '0-0' ? undefined : end;
  });
}

/** True if both generations have the same definitions, and the comparison is not skipped with force. */
function isComparable({ live, options: { catalogue, force } }: RunningRebuild): boolean {
  return isFoldedBy(live, catalogue) && !force;
}

async function compare(running: RunningRebuild): Promise<RebuildOutcome | undefined> {
  if (!isComparable(running)) return undefined;
  await reportProgress(running, 'comparing');
  const { id, live, generations, options } = running;
  const { redis, shards, catalogue } = options;
  const differences: ShardDifference[] = [];
  for (const built of generations) {
    const { shard } = built;
    const pair = { live: describeGeneration(live, built, { catalogue }), built };
    for (const each of await compareGenerations(redis, pair, shards)) differences.push({ shard, ...each });
  }
  return differences.length === 0 ? undefined : { outcome: 'differs', building: id, differences };
}

/** Makes the new generation the live one, which then writes the dead letters. */
async function switchOver(running: RunningRebuild): Promise<RebuildOutcome | undefined> {
  const { id, live, options } = running;
  const switched = await switchGeneration(options.redis, options.prefix, { live, built: id });
  if (!switched) return conclude(running, 'cancelled');
  await handOver(options.redis, { id, replaces: live }, options);
  return undefined;
}

async function reportProgress(running: RunningRebuild, stage: 'stream' | 'comparing'): Promise<void> {
  const { redis, onProgress } = running.options;
  const lags = await askAll(running.generations, (generation) =>
    measureLag(redis, generation).then(
      ({ lagEntries }) => lagEntries,
      () => 0, // cancelled just now
    ),
  );
  const leftEntries = lags.reduce((sum, lag) => sum + lag, 0);
  onProgress({ stage, foldedEntries: await countFolded(running), leftEntries });
}

/** HGET head acknowledged, of each shard */
async function countFolded({ generations, options: { redis } }: RunningRebuild): Promise<number> {
  const counts = await askAll(generations, ({ keys }) => redis.hget(keys.head, 'acknowledged'));
  return counts.reduce((sum, acknowledged) => sum + Number(acknowledged ?? 0), 0);
}
