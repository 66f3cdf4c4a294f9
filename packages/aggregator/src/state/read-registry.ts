import { readCatalogue, type StoredCatalogue } from '@streamfold/core';
import { generationsKey, type RedisConnection } from '@streamfold/redis';

/**
 * A generation as recorded in the registry.
 *
 * ```
 *              rebuild                   caught up, agreed          the next rebuild          grace is over
 *   (nothing) ────────▶ building ──────────────────────────▶ live ─────────────────▶ retired ───────────────▶ dropping ──▶ (nothing)
 *                          └────────────────────────────────── cancelled ───────────────────────────────────────▲
 * ```
 *
 * The first one is live from the start. Building begins with the stage `archive`, in which only the rebuild folds, and
 * continues with the stage `stream`, in which all aggregators do. A retired generation is still folded, for aggregators
 * that still serve it.
 */
export interface RegisteredGeneration {
  readonly id: string;
  readonly state: 'building' | 'live' | 'retired' | 'dropping';
  /** While it is building. */
  readonly stage: 'archive' | 'stream' | undefined;
  /** The generation that was live when this one was begun. */
  readonly replaces: string | undefined;
  /** The time since which it has been in its state, ms of Redis's clock. */
  readonly sinceMs: number;
  readonly definitions: StoredCatalogue;
}

/** All generations, and which of them is live and which is building. */
export interface Registry {
  readonly live: string | undefined;
  readonly building: string | undefined;
  readonly generations: ReadonlyMap<string, RegisteredGeneration>;
}

const STATES = ['building', 'live', 'retired', 'dropping'] as const;

/** HGETALL registry: about 5 kB for each generation, of which there are rarely more than two. */
export async function readRegistry(redis: RedisConnection, prefix: string): Promise<Registry> {
  const fields = await redis.hgetall(generationsKey(prefix));
  const generations = new Map<string, RegisteredGeneration>();
  for (const [name, text] of Object.entries(fields)) {
    if (!name.endsWith(':state')) continue;
    const id = name.slice(0, -':state'.length);
    const state = STATES.find((each) => each === text);
    if (state === undefined) continue; // a generation of a newer program
    const stage = fields[`${id}:stage`];
    generations.set(id, {
      id,
      state,
      stage: stage === 'archive' || stage === 'stream' ? stage : undefined,
      replaces: fields[`${id}:replaces`],
      sinceMs: Number(fields[`${id}:since_ms`]),
      definitions: readCatalogue(fields[`${id}:definitions`] ?? ''),
    });
  }
  return { live: fields['live'], building: fields['building'], generations };
}

/** HGET registry live: read at every scrape. */
export async function readLiveId(redis: RedisConnection, prefix: string): Promise<string | undefined> {
  return (await redis.hget(generationsKey(prefix), 'live')) ?? undefined;
}
