import { askAll, type Installation, type RedisConnection } from '@streamfold/redis';
import type { Observe } from '../run/fact.ts';
import { keepGenerations } from './keep-generations.ts';
import type { Roster } from './roster.ts';
import { DEAD_LETTERS_MOST, GONE_IDLE_MS, keepShard } from './keep-shard.ts';

export interface KeepAllUpOptions extends Installation {
  readonly claimIdleMs: number;
  readonly generationGraceMs: number;
  readonly goneIdleMs?: number;
  readonly deadLettersMost?: number;
  readonly observe: Observe;
}

/** The periodic work of every aggregator: for each shard of each folded generation, and for the generations. */
export async function keepShards(
  redis: RedisConnection,
  roster: Roster,
  options: KeepAllUpOptions,
): Promise<void> {
  const { prefix, shards, claimIdleMs, generationGraceMs: graceMs, observe } = options;
  const { goneIdleMs = Math.max(GONE_IDLE_MS, claimIdleMs), deadLettersMost = DEAD_LETTERS_MOST } = options;
  const bounds = { goneIdleMs, deadLettersMost };
  const { live, folded, registry } = roster;
  await askAll(live?.shards ?? [], (generation) => keepShard(redis, generation, { ...bounds, observe }));
  for (const other of folded) {
    if (other.id === live?.id) continue;
    // Entries that the live generation misses are lost; another one that misses them too adds nothing.
    await askAll(other.shards, (generation) =>
      keepShard(redis, generation, { ...bounds, observe: ignore }).catch(ignoreDropped),
    );
  }
  if (registry !== undefined && roster.lost === undefined)
    await keepGenerations(redis, registry, { prefix, shards, graceMs, observe });
}

function ignore(): void {}

/** It may have been dropped since the roster was read. */
function ignoreDropped(error: unknown): void {
  if (!(error instanceof Error) || !error.message.includes('NOGROUP')) throw error;
}
