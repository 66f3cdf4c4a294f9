import { encodeCatalogue, type Catalogue } from '@streamfold/core';
import {
  askAll,
  generationsKey,
  type Installation,
  listShards,
  loadScript,
  type RedisConnection,
  replyField,
  type Shard,
  shardKeys,
  STREAM_LUA,
} from '@streamfold/redis';
import { describeGeneration, digestDefinitions, isFoldedBy, type Generation } from '../state/generation.ts';
import { handOver } from '../state/hand-over-dead-letters.ts';
import { readMarks } from '../state/read-marks.ts';
import { readRegistry, type RegisteredGeneration } from '../state/read-registry.ts';
import type { LogBeyondRedis } from './log-beyond-redis.ts';

const script = loadScript(new URL('../../lua/register-generation.lua', import.meta.url), STREAM_LUA);

export interface BeginRebuildOptions extends Installation {
  readonly catalogue: Catalogue;
  readonly log: LogBeyondRedis | undefined;
  /** Rebuild although entries are missing. */
  readonly force: boolean;
}

/** A rebuild in progress: just begun, or resumed. */
export interface BegunRebuild {
  readonly outcome: 'begun';
  readonly id: string;
  /** The live generation. */
  readonly live: string;
  readonly stage: 'archive' | 'stream';
  readonly resumed: boolean;
  readonly generations: readonly Generation[];
}

/** Why there is none. */
export type RefusedRebuild =
  | { readonly outcome: 'none_live' }
  /** A rebuild with other definitions is in progress. */
  | { readonly outcome: 'busy'; readonly building: string }
  /** Entries are neither in the stream nor in the archive. */
  | { readonly outcome: 'missing'; readonly shards: readonly MissingEntries[] };

export interface MissingEntries {
  readonly shard: number;
  readonly entries: number;
}

/**
 * EVALSHA register-generation.lua 1 registry digest definitions
 *
 * Begins a rebuild, or resumes the one in progress with the same definitions.
 */
export async function beginRebuild(
  redis: RedisConnection,
  options: BeginRebuildOptions,
): Promise<BegunRebuild | RefusedRebuild> {
  const { prefix, catalogue, force } = options;
  const { live, building, generations } = await readRegistry(redis, prefix);
  const current = live === undefined ? undefined : generations.get(live);
  if (current === undefined) return { outcome: 'none_live' };
  if (building !== undefined) return resume(current.id, generations.get(building), options);
  await handOver(redis, current, options); // in case the previous rebuild died before this step
  const missing = force ? [] : await findMissing(redis, options);
  if (missing.length > 0) return { outcome: 'missing', shards: missing };
  const marks = await askAll(listShards(options), (shard) => readMarks(redis, shard));
  const greatest = Math.max(0, ...marks.map(({ number }) => number));
  const args = [digestDefinitions(catalogue), encodeCatalogue(catalogue), greatest];
  const reply = await script.run(redis, [generationsKey(prefix)], args);
  const [outcome, id = ''] = reply as [string, string?];
  if (outcome !== 'registered') return beginRebuild(redis, options); // another command was faster
  return describe({ id, live: current.id, stage: 'archive', resumed: false }, options);
}

function resume(
  live: string,
  building: RegisteredGeneration | undefined,
  options: BeginRebuildOptions,
): BegunRebuild | RefusedRebuild {
  if (building === undefined) return { outcome: 'busy', building: 'unknown' };
  const { id, stage = 'archive' } = building;
  if (!isFoldedBy(id, options.catalogue)) return { outcome: 'busy', building: id };
  return describe({ id, live, stage, resumed: true }, options);
}

function describe(
  begun: Omit<BegunRebuild, 'outcome' | 'generations'>,
  options: BeginRebuildOptions,
): BegunRebuild {
  const generations = listShards(options).map((shard) => describeGeneration(begun.id, shard, options));
  return { outcome: 'begun', ...begun, generations };
}

/** Shards whose archives are measured at a time: each reads its manifests. */
export const MEASURED_AT_ONCE = 16;

/** Shards of which some entries could not be folded again. */
export async function findMissing(
  redis: RedisConnection,
  options: Installation & Pick<BeginRebuildOptions, 'log'>,
): Promise<MissingEntries[]> {
  const { log } = options;
  const count = async (shard: Shard): Promise<number> =>
    log === undefined
      ? countTrimmedEver(redis, shardKeys(shard).events)
      : (await log.measure(shard.shard)).missingEntries;
  const counts = await askAll(
    listShards(options),
    async (shard) => ({ shard: shard.shard, entries: await count(shard) }),
    MEASURED_AT_ONCE,
  );
  return counts.filter(({ entries }) => entries > 0);
}

/** XINFO STREAM key: the number of entries that were added and are gone. */
async function countTrimmedEver(redis: RedisConnection, events: string): Promise<number> {
  const stream = (await redis.xinfo('STREAM', events)) as unknown[];
  return Number(replyField(stream, 'entries-added')) - Number(replyField(stream, 'length'));
}
