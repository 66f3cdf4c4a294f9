import type { Catalogue } from '@streamfold/core';
import { type Installation, listShards, type RedisConnection } from '@streamfold/redis';
import type { Observe } from '../run/fact.ts';
import { describeGeneration, digestDefinitions, isFoldedBy, type Generation } from '../state/generation.ts';
import { readRegistry, type RegisteredGeneration, type Registry } from '../state/read-registry.ts';
import { UnreadableGenerationError } from '../state/unreadable-generation-error.ts';

/** A generation folded by this process, on all shards. */
export interface FoldedGeneration {
  readonly id: string;
  readonly state: RegisteredGeneration['state'];
  readonly replaces: string | undefined;
  readonly shards: readonly Generation[];
}

/** The generations of the registry that this program can read. Reports each change of the registry once. */
export interface KnownGenerations {
  /** Reads the registry: the generations to be folded. `undefined` if none is live, because Redis was emptied. */
  read(): Promise<readonly FoldedGeneration[] | undefined>;
  /** The registry as last read. */
  readonly registry: Registry | undefined;
  /** The live generation has other definitions than the configured ones. */
  readonly rebuildNeeded: boolean;
  /** Why this program cannot fold or serve the live generation. */
  readonly unreadable: string | undefined;
}

export interface KnownGenerationsOptions extends Installation {
  readonly redis: RedisConnection;
  /** The configured definitions; each generation is folded with its own. */
  readonly catalogue: Catalogue;
  readonly observe: Observe;
}

export function createKnownGenerations(options: KnownGenerationsOptions): KnownGenerations {
  const { redis, prefix, catalogue, observe } = options;
  const configured = digestDefinitions(catalogue);
  /** Unreadable generations that were reported. */
  const reported = new Set<string>();
  let registry: Registry | undefined;
  let rebuildNeeded = false;
  let unreadable: string | undefined;

  const describe = (registered: RegisteredGeneration): FoldedGeneration[] => {
    const { id, state, replaces, definitions } = registered;
    if (definitions.outcome === 'unreadable') {
      const error = new UnreadableGenerationError(id, definitions.detail);
      if (registry?.live === id) unreadable = error.message;
      if (!reported.has(id)) observe({ type: 'generation_unreadable', generation: id, error });
      reported.add(id);
      return [];
    }
    const on = listShards(options).map((shard) => describeGeneration(id, shard, definitions));
    return [{ id, state, replaces, shards: on }];
  };

  return {
    async read() {
      const before = registry?.live;
      registry = await readRegistry(redis, prefix);
      const { live, generations } = registry;
      if (live === undefined) return undefined;
      if (before !== undefined && before !== live)
        observe({ type: 'generation_switched', from: before, to: live });
      const needed = !isFoldedBy(live, catalogue);
      if (needed !== rebuildNeeded) observe({ type: 'rebuild_needed', needed, live, configured });
      rebuildNeeded = needed;
      unreadable = undefined;
      return [...generations.values()].filter(isToBeFolded).flatMap(describe);
    },
    get registry() {
      return registry;
    },
    get rebuildNeeded() {
      return rebuildNeeded;
    },
    get unreadable() {
      return unreadable;
    },
  };
}

function isToBeFolded({ state, stage }: RegisteredGeneration): boolean {
  return state === 'live' || state === 'retired' || (state === 'building' && stage === 'stream');
}
