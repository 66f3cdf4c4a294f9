import { loadScript, type GenerationKeys, type RedisConnection } from '@streamfold/redis';

const script = loadScript(new URL('../../lua/trim-deltas.lua', import.meta.url));

/** Records trimmed from the delta log by one step: bounds how long it occupies Redis. */
const TRIM_RECORDS = 100;

/**
 * EVALSHA trim-deltas.lua 2 snapshot deltas records
 *
 * Trims a step of the delta log behind the previous snapshot. Returns the number of trimmed records, 0 if none is left.
 */
export async function trimDeltas(
  redis: RedisConnection,
  { snapshot, deltas }: GenerationKeys,
): Promise<number> {
  return Number(await script.run(redis, [snapshot, deltas], [TRIM_RECORDS]));
}
