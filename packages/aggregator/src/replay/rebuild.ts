import { compareStamps, type EntryId } from '@streamfold/core';
import { replyField, type RedisConnection } from '@streamfold/redis';
import { createGroup } from '../state/create-group.ts';
import { describeGeneration, isFoldedBy } from '../state/generation.ts';
import { dropFromShard } from '../state/drop-generation.ts';
import { hasFolded } from '../state/has-folded.ts';
import { handOver } from '../state/hand-over-dead-letters.ts';
import { readRegistry } from '../state/read-registry.ts';
import { boundCommit, runConsumers, type ConsumerSettings } from '../fold/run-consumers.ts';
import { measureLag } from '../state/measure-lag.ts';
import type { Difference } from './compare-states.ts';
import {
  beginRebuild,
  findMissing,
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
  /** Entries that cannot be folded again, and that the rebuild was forced to do without. */
  readonly onLeftOut: (missing: readonly MissingEntries[]) => void;
  readonly onProgress: (progress: RebuildProgress) => void;
}

/** How far a rebuild has come. */
export interface RebuildProgress {
  readonly stage: 'archive' | 'stream' | 'comparing';
  /** Entries folded, by whomever, and those that are known to be still to fold. */
  readonly foldedEntries: number;
  readonly leftEntries: number;
}

export type RebuildOutcome =
  | RefusedRebuild
  | {
      readonly outcome: 'switched';
      readonly from: string;
      readonly to: string;
      /** Both have the same definitions, and were found equal. */
      readonly compared: boolean;
    }
  /** Both have the same definitions, and say different things: nothing was switched. */
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

/** How often it is looked whether a rebuild has caught up. */
const LOOK_MS = 200;
/** It has caught up if everything that was published by some moment is folded within this time. */
const CAUGHT_UP_MS = 2_000;

/**
 * Folds everything again, by the definitions of `catalogue`, into a generation of its own, and makes that the live one.
 *
 * Aggregators help, and the live one is served meanwhile. It can be stopped or killed at any moment: run again, it resumes.
 */
export async function rebuild(options: RebuildOptions, stop: AbortSignal): Promise<RebuildOutcome> {
  const { redis, prefix } = options;
  const begun = await beginRebuild(redis, options);
  if (begun.outcome !== 'begun') return begun;
  const { id } = begun;
  options.onBegin(begun);
  if (begun.stage === 'archive') {
    const outcome = await readArchive(begun, options, stop);
    if (typeof outcome !== 'string') return outcome;
    if (outcome !== 'done') return { outcome, building: id };
    if (!(await followStream(redis, prefix, id))) return conclude(begun, options, 'cancelled');
  }
  const folding = new AbortController();
  const consuming = runConsumers(begun.generations, { ...options, mode: () => 'replayed' }, folding.signal);
  const failed = consuming.then(() => new Promise<never>(() => undefined));
  failed.catch(() => undefined); // the race below reports it
  try {
    return await Promise.race([catchUpAndSwitch(begun, options, stop), failed]);
  } finally {
    folding.abort();
    await consuming.catch(() => undefined);
  }
}

/**
 * Groups first: they keep the stream from being trimmed. Then missing entries are looked for once more, since entries may
 * have been trimmed until then, and a resumed rebuild may not have the archive with which it was begun. Then the entries
 * that only the archive has, shard by shard.
 */
async function readArchive(
  { id, generations }: BegunRebuild,
  options: RebuildOptions,
  stop: AbortSignal,
): Promise<'done' | 'cancelled' | 'stopped' | RefusedRebuild> {
  const { redis, prefix, shards, log, batchEntries, force, onLeftOut, onProgress } = options;
  for (const generation of generations) await createGroup(redis, generation, 'building');
  const registry = await readRegistry(redis, prefix);
  if (registry.building !== id) {
    const state = registry.generations.get(id)?.state;
    if (state === 'live' || state === 'retired') return 'done'; // another command was faster
    for (const generation of generations) await dropFromShard(redis, generation); // cancelled while they were made
    return 'cancelled';
  }
  const missing = await findMissing(redis, options);
  if (missing.length > 0 && !force) return { outcome: 'missing', shards: missing };
  if (missing.length > 0) onLeftOut(missing);
  if (log === undefined) return 'done';
  let foldedEntries = 0;
  let total = 0;
  for (const { shard, keys } of generations) {
    foldedEntries += Number((await redis.hget(keys.head, 'acknowledged')) ?? 0); // before it was stopped
    total += (await log.measure(shard)).archivedEntries;
  }
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
    if (outcome !== 'done') return outcome === 'gone' ? 'cancelled' : 'stopped';
  }
  return 'done';
}

async function catchUpAndSwitch(
  begun: BegunRebuild,
  options: RebuildOptions,
  stop: AbortSignal,
): Promise<RebuildOutcome> {
  const { redis, prefix, catalogue, force } = options;
  const caughtUp = await catchUp(begun, options, stop);
  if (caughtUp !== 'done') return conclude(begun, options, caughtUp);
  const compared = isFoldedBy(begun.live, catalogue) && !force;
  if (compared) {
    options.onProgress({ stage: 'comparing', ...(await measureProgress(begun, options)) });
    const differences = await findDifferences(begun, options);
    if (differences.length > 0) return { outcome: 'differs', building: begun.id, differences };
  }
  const switched = await switchGeneration(redis, prefix, { live: begun.live, built: begun.id });
  if (!switched) return conclude(begun, options, 'cancelled');
  await handOver(redis, { id: begun.id, replaces: begun.live }, options);
  return { outcome: 'switched', from: begun.live, to: begun.id, compared };
}

/** What has become of it: another command that runs the same rebuild may have been faster. */
async function conclude(
  { id, live }: BegunRebuild,
  { redis, prefix }: RebuildOptions,
  outcome: 'cancelled' | 'stopped',
): Promise<RebuildOutcome> {
  const registry = await readRegistry(redis, prefix);
  if (registry.live === id) return { outcome: 'switched', from: live, to: id, compared: false };
  return { outcome, building: id };
}

/** Until all that was published is folded, but for what has come in the last moment. */
async function catchUp(
  begun: BegunRebuild,
  options: RebuildOptions,
  stop: AbortSignal,
): Promise<'done' | 'cancelled' | 'stopped'> {
  const { redis, prefix, now, pause, onProgress } = options;
  for (;;) {
    const ends = await readEnds(begun, redis);
    const sinceMs = now();
    while (!(await haveFolded(begun, ends, redis))) {
      if (stop.aborted) return 'stopped';
      if ((await readRegistry(redis, prefix)).building !== begun.id) return 'cancelled';
      onProgress({ stage: 'stream', ...(await measureProgress(begun, options)) });
      await pause(LOOK_MS, stop);
    }
    if (now() - sinceMs < CAUGHT_UP_MS) return 'done';
  }
}

/** XINFO STREAM events, of each shard: the entry that was added last. */
async function readEnds({ generations }: BegunRebuild, redis: RedisConnection): Promise<EntryId[]> {
  const ends: EntryId[] = [];
  for (const { shardKeys } of generations) {
    const stream = (await redis.xinfo('STREAM', shardKeys.events)) as unknown[];
    ends.push(String(replyField(stream, 'last-generated-id')));
  }
  return ends;
}

async function haveFolded(
  { generations }: BegunRebuild,
  ends: readonly EntryId[],
  redis: RedisConnection,
): Promise<boolean> {
  for (const [shard, generation] of generations.entries()) {
    const end = ends[shard] ?? '0-0';
    if (compareStamps(end, '0-0') > 0 && !(await hasFolded(redis, generation, end))) return false;
  }
  return true;
}

async function measureProgress(
  { generations }: BegunRebuild,
  { redis }: RebuildOptions,
): Promise<Omit<RebuildProgress, 'stage'>> {
  let foldedEntries = 0;
  let leftEntries = 0;
  for (const generation of generations) {
    foldedEntries += Number((await redis.hget(generation.keys.head, 'acknowledged')) ?? 0);
    leftEntries += await measureLag(redis, generation).then(
      ({ lagEntries }) => lagEntries,
      () => 0, // cancelled just now
    );
  }
  return { foldedEntries, leftEntries };
}

async function findDifferences(
  { generations, live }: BegunRebuild,
  { redis, prefix, shards, catalogue }: RebuildOptions,
): Promise<ShardDifference[]> {
  const differences: ShardDifference[] = [];
  for (const built of generations) {
    const { shard } = built;
    const pair = { live: describeGeneration(live, { prefix, shard, catalogue }), built };
    for (const each of await compareGenerations(redis, pair, shards)) differences.push({ shard, ...each });
  }
  return differences;
}
