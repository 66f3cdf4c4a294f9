import { createHash } from 'node:crypto';
import { CATALOGUE, type Catalogue } from '@streamfold/core';
import {
  ConfigurationError,
  generationKeys,
  shardKeys,
  type GenerationKeys,
  type RedisConnection,
  type ShardKeys,
} from '@streamfold/redis';

/** One generation on one shard: the keys that everything of the aggregator works on. */
export interface Generation {
  readonly id: string;
  readonly prefix: string;
  readonly shard: number;
  readonly shardKeys: ShardKeys;
  readonly keys: GenerationKeys;
}

/** Digest of what decides the state that is folded: the catalogue. Twelve hex digits. */
function digestDefinitions(catalogue: Catalogue = CATALOGUE): string {
  const definitions = catalogue.map(({ help: _help, ...definition }) => definition);
  return createHash('sha256').update(JSON.stringify(definitions)).digest('hex').slice(0, 12);
}

/**
 * SET key generation NX GET
 *
 * The generation that is live on a shard; the first one is recorded by whoever comes first.
 *
 * @throws {ConfigurationError} where it was folded with other metric definitions than this program's: the two must not
 *   be mixed in one state.
 */
export async function openGeneration(
  redis: RedisConnection,
  prefix: string,
  shard: number,
): Promise<Generation> {
  const digest = digestDefinitions();
  const first = `1-${digest}`;
  const recorded = (await redis.set(shardKeys(prefix, shard).generation, first, 'NX', 'GET')) ?? first;
  if (!recorded.endsWith(`-${digest}`)) {
    throw new ConfigurationError(
      `metric definitions: expected those of the live generation ${recorded}; got ${digest}: rebuild needed`,
    );
  }
  return describeGeneration(prefix, shard, recorded);
}

/** The live generation of a shard, or `undefined` where nothing has been folded there yet. Creates nothing. */
export async function findGeneration(
  redis: RedisConnection,
  prefix: string,
  shard: number,
): Promise<Generation | undefined> {
  const recorded = await redis.get(shardKeys(prefix, shard).generation);
  return recorded === null ? undefined : describeGeneration(prefix, shard, recorded);
}

function describeGeneration(prefix: string, shard: number, id: string): Generation {
  return { id, prefix, shard, shardKeys: shardKeys(prefix, shard), keys: generationKeys(prefix, shard, id) };
}
