import { createHash } from 'node:crypto';
import { CATALOGUE, encodeCatalogue, encodeMeaning, type Catalogue, type DeltaForm } from '@streamfold/core';
import {
  generationKeys,
  type GenerationKeys,
  generationsKey,
  loadScript,
  type RedisConnection,
  type Shard,
  shardKeys,
  type ShardKeys,
  STREAM_LUA,
} from '@streamfold/redis';
import { readRegistry } from './read-registry.ts';
import { UnreadableGenerationError } from './unreadable-generation-error.ts';

/** One generation on one shard: its keys and its definitions. */
export interface Generation extends Shard {
  readonly id: string;
  readonly shardKeys: ShardKeys;
  readonly keys: GenerationKeys;
  readonly catalogue: Catalogue;
  /** How its deltas are written. They are read in either form. */
  readonly deltaForm: DeltaForm;
}

/** Digest of the part of a catalogue that determines the folded state. Twelve hex digits; the ID of a generation ends with it. */
export function digestDefinitions(catalogue: Catalogue): string {
  return createHash('sha256').update(encodeMeaning(catalogue)).digest('hex').slice(0, 12);
}

/** True if a generation is folded with the same definitions, apart from help texts. */
export function isFoldedBy(id: string, catalogue: Catalogue): boolean {
  return id.endsWith(`-${digestDefinitions(catalogue)}`);
}

const script = loadScript(new URL('../../lua/open-generation.lua', import.meta.url), STREAM_LUA);

/**
 * EVALSHA open-generation.lua 1 registry number digest definitions
 *
 * The live generation, with its recorded definitions; if there is none yet, the first one is recorded with `catalogue`.
 * `number` is the smallest number that it then gets.
 *
 * @throws {UnreadableGenerationError} if this program does not know its definitions.
 */
export async function openGeneration(
  redis: RedisConnection,
  shard: Shard,
  { catalogue = CATALOGUE, number = 1 }: { catalogue?: Catalogue; number?: number } = {},
): Promise<Generation> {
  const args = [number, digestDefinitions(catalogue), encodeCatalogue(catalogue)];
  const registry = generationsKey(shard.prefix);
  await script.run(redis, [registry], args);
  const generation = await findGeneration(redis, shard);
  if (generation === undefined) throw new Error(`${registry}: expected a live generation; it is gone`);
  return generation;
}

/**
 * The live generation of a shard, or `undefined` if nothing has been folded yet. Creates nothing.
 *
 * @throws {UnreadableGenerationError} if this program does not know its definitions.
 */
export async function findGeneration(redis: RedisConnection, shard: Shard): Promise<Generation | undefined> {
  const { live, generations } = await readRegistry(redis, shard.prefix);
  const registered = live === undefined ? undefined : generations.get(live);
  if (registered === undefined) return undefined;
  const { definitions } = registered;
  if (definitions.outcome === 'unreadable')
    throw new UnreadableGenerationError(registered.id, definitions.detail);
  return describeGeneration(registered.id, shard, definitions);
}

/** The generation `id` on a shard. Without definitions it can only be handed over or dropped. */
export function describeGeneration(
  id: string,
  shard: Shard,
  definitions: { readonly catalogue: Catalogue; readonly deltaForm?: DeltaForm } = { catalogue: [] },
): Generation {
  const { catalogue, deltaForm = 'json' } = definitions;
  return {
    id,
    prefix: shard.prefix,
    shard: shard.shard,
    shardKeys: shardKeys(shard),
    keys: generationKeys(shard, id),
    catalogue,
    deltaForm,
  };
}

/** The number at the start of an ID. */
export function numberOf(id: string): number {
  return Number(id.slice(0, id.indexOf('-')));
}
