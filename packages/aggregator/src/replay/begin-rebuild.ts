import { encodeCatalogue, type Catalogue } from '@streamfold/core';
import { generationsKey, loadScript, replyField, shardKeys, type RedisConnection } from '@streamfold/redis';
import { describeGeneration, digestDefinitions, isFoldedBy, type Generation } from '../state/generation.ts';
import { handOver } from '../state/hand-over-dead-letters.ts';
import { readMarks } from '../state/read-marks.ts';
import { readRegistry, type RegisteredGeneration } from '../state/read-registry.ts';
import type { LogBeyondRedis } from './log-beyond-redis.ts';

const script = loadScript(new URL('../../lua/register-generation.lua', import.meta.url));

export interface BeginRebuildOptions {
  readonly prefix: string;
  readonly shards: number;
  readonly catalogue: Catalogue;
  readonly log: LogBeyondRedis | undefined;
  /** Rebuild although entries are missing. */
  readonly force: boolean;
}

/** A rebuild that is under way: just begun, or resumed. */
export interface BegunRebuild {
  readonly outcome: 'begun';
  readonly id: string;
  /** The generation that is live. */
  readonly live: string;
  readonly stage: 'archive' | 'stream';
  readonly resumed: boolean;
  readonly generations: readonly Generation[];
}

/** Why there is none. */
export type RefusedRebuild =
  | { readonly outcome: 'none_live' }
  /** One with other definitions is under way. */
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
 * Begins a rebuild, or resumes the one of the same definitions that is under way.
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
  await handOver(redis, current, options); // in case the rebuild before this one died before that
  const missing = force ? [] : await findMissing(redis, options);
  if (missing.length > 0) return { outcome: 'missing', shards: missing };
  const numbers = await Promise.all(
    Array.from(
      { length: options.shards },
      async (_, shard) => (await readMarks(redis, prefix, shard)).number,
    ),
  );
  const args = [digestDefinitions(catalogue), encodeCatalogue(catalogue), Math.max(0, ...numbers)];
  const reply = await script.run(redis, [generationsKey(prefix)], args);
  const [outcome, id = ''] = reply as [string, string?];
  if (outcome !== 'registered') return beginRebuild(redis, options); // somebody else has been faster
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
  { prefix, shards, catalogue }: BeginRebuildOptions,
): BegunRebuild {
  const generations = Array.from({ length: shards }, (_, shard) =>
    describeGeneration(begun.id, { prefix, shard, catalogue }),
  );
  return { outcome: 'begun', ...begun, generations };
}

/** Shards of which some entries could not be folded again. */
export async function findMissing(
  redis: RedisConnection,
  { prefix, shards, log }: Pick<BeginRebuildOptions, 'prefix' | 'shards' | 'log'>,
): Promise<MissingEntries[]> {
  const missing: MissingEntries[] = [];
  for (let shard = 0; shard < shards; shard++) {
    const entries =
      log === undefined
        ? await countTrimmedEver(redis, shardKeys(prefix, shard).events)
        : (await log.measure(shard)).missingEntries;
    if (entries > 0) missing.push({ shard, entries });
  }
  return missing;
}

/** XINFO STREAM key: entries that were ever added and are gone. */
async function countTrimmedEver(redis: RedisConnection, events: string): Promise<number> {
  const stream = (await redis.xinfo('STREAM', events)) as unknown[];
  return Number(replyField(stream, 'entries-added')) - Number(replyField(stream, 'length'));
}
