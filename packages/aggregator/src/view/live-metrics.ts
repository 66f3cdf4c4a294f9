import type { Catalogue, ExpositionFormat } from '@streamfold/core';
import { listShards, type Installation } from '@streamfold/redis';
import { describeGeneration, type Generation } from '../state/generation.ts';
import { readLiveId, readRegistry, type Registry } from '../state/read-registry.ts';
import { UnreadableGenerationError } from '../state/unreadable-generation-error.ts';
import type { Pause } from '../run/retry.ts';
import { awaitFolded } from './await-folded.ts';
import { giveBack, type Exposition } from './exposition.ts';
import { createShardView, type ShardView, type ShardViewOptions, type ViewListener } from './shard-view.ts';
import { createSwarmMetrics, type SwarmMetrics } from './swarm-metrics.ts';

/** The metrics of the current live generation. */
export interface LiveMetrics extends SwarmMetrics {
  /** The last generation that was served. */
  readonly generation: string | undefined;
}

export interface LiveMetricsOptions
  extends Installation, Omit<ShardViewOptions, 'generation' | 'listener' | 'snapshotRecords'> {
  readonly pause: Pause;
  /** Monotonic clock, ms. */
  readonly now: () => number;
}

/** The view of one generation. */
interface Followed {
  readonly id: string;
  readonly metrics: SwarmMetrics;
  readonly shards: readonly Generation[];
}

/**
 * Counters never fall when another generation becomes live, whichever replica is asked:
 *
 * - metrics of a generation are shown only if it is still live after they were read;
 * - the new one is shown only once it has folded every entry that may have been delivered to the old one by then.
 *
 * The generation being built is followed in advance, so that nothing has to be loaded at the switch.
 */
export function createLiveMetrics(options: LiveMetricsOptions): LiveMetrics {
  const { redis, prefix } = options;
  const followed = new Map<string, Followed>();
  let served: Followed | undefined;
  let moving: Promise<void> | undefined;

  const followGeneration = (id: string, { generations }: Registry): Followed | undefined => {
    const present = followed.get(id);
    const definitions = generations.get(id)?.definitions;
    if (present !== undefined || definitions === undefined) return present;
    if (definitions.outcome === 'unreadable') return undefined;
    const created = createFollowed(id, definitions.catalogue, options);
    followed.set(id, created);
    return created;
  };

  const moveTo = async (registry: Registry): Promise<void> => {
    const { live, generations } = registry;
    if (live === undefined || live === served?.id) return;
    const target = followGeneration(live, registry);
    if (target === undefined) {
      const definitions = generations.get(live)?.definitions;
      const detail = definitions?.outcome === 'unreadable' ? definitions.detail : 'none';
      throw new UnreadableGenerationError(live, detail);
    }
    await awaitFolded(redis, { shards: target.shards, registry }, options);
    await target.metrics.refresh();
    served = target;
  };

  const move = (): Promise<void> =>
    (moving ??= readRegistry(redis, prefix)
      .then(moveTo)
      .finally(() => (moving = undefined)));

  return {
    async scrape(format: ExpositionFormat, zeroFirstSeconds = 0) {
      for (;;) {
        if (served === undefined) await move();
        const current = served;
        if (current === undefined) throw new Error('expected a live generation; there is none yet');
        const exposition = await current.metrics.scrape(format, zeroFirstSeconds);
        if (await isStillLive(exposition, current.id, options)) return exposition;
        await move();
      }
    },
    async mergeOwn(generation, record) {
      await followed.get(generation.id)?.metrics.mergeOwn(generation, record);
    },
    async refresh() {
      await served?.metrics.refresh();
    },
    async follow() {
      const registry = await readRegistry(redis, prefix);
      const { live, building } = registry;
      if (live !== undefined && live !== served?.id) await move();
      if (building !== undefined) followGeneration(building, registry);
      for (const [id, { metrics }] of followed) {
        const isOver = live !== undefined && id !== live && id !== building && id !== served?.id;
        if (isOver) followed.delete(id);
        else await metrics.follow();
      }
    },
    get loaded() {
      return served?.metrics.loaded === true;
    },
    get series() {
      return served?.metrics.series ?? 0;
    },
    get foldedTogether() {
      return served?.metrics.foldedTogether ?? new Map<string, number>();
    },
    get generation() {
      return served?.id;
    },
  };
}

/** Whether an exposition is of the generation that is live. If not, or if that cannot be read, it is given back. */
async function isStillLive(
  exposition: Exposition,
  id: string,
  { redis, prefix }: LiveMetricsOptions,
): Promise<boolean> {
  let isLive = false;
  try {
    const live = await readLiveId(redis, prefix);
    isLive = live === undefined || live === id;
  } finally {
    if (!isLive) giveBack(exposition);
  }
  return isLive;
}

function createFollowed(id: string, catalogue: Catalogue, options: LiveMetricsOptions): Followed {
  const on = listShards(options).map((shard) => describeGeneration(id, shard, { catalogue }));
  const createViews = (listener: ViewListener): ShardView[] =>
    on.map((generation) => createShardView({ ...options, generation, listener }));
  return { id, metrics: createSwarmMetrics(catalogue, createViews, options.now), shards: on };
}
