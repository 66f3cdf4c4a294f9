import type { EntryId } from '@streamfold/core';
import { loadScript, STREAM_LUA, type RedisConnection } from '@streamfold/redis';

const script = loadScript(new URL('../lua/begin-restored.lua', import.meta.url), STREAM_LUA);

/** A position that a stream has reached, without its own entries up to there. */
export interface RestoredPlace {
  readonly id: EntryId;
  /** Entries that were ever added up to there. */
  readonly added: number;
}

/**
 * EVALSHA begin-restored.lua 1 events id added
 *
 * Makes an empty stream count entries that the archive never had; without a place it only removes what a restore of an
 * earlier version left behind.
 */
export async function beginRestored(
  redis: RedisConnection,
  events: string,
  place?: RestoredPlace,
): Promise<void> {
  await script.run(redis, [events], [place?.id ?? '', place?.added ?? 0]);
}
