import type { GenerationKeys, RedisConnection } from '@streamfold/redis';
import { isSameRecord, LOG_START, readDeltas, type DeltaRecord } from '../state/read-deltas.ts';
import { readHead } from '../state/read-head.ts';
import type { MergedState } from './merged-state.ts';

/**
 * Merges the records of the delta log that follow a state, up to the end that the log has now. Returns false if the log does
 * not continue from the state, which is then that of some record in between.
 */
export async function followLog(
  { redis, keys }: { redis: RedisConnection; keys: GenerationKeys },
  state: MergedState,
  onMerged: (record: DeltaRecord) => void,
): Promise<boolean> {
  let merged = 0;
  try {
    const end = await readHead(redis, keys);
    while (state.at.position !== end.position) {
      const records = await readDeltas(redis, keys, state.at.position);
      if (records.length === 0) return false;
      for (const record of records) {
        if (!isSameRecord(record.previous, state.at)) return false;
        state.merge(record);
        merged++;
        onMerged(record);
        if (record.name.position === end.position) break;
      }
    }
    if (!isSameRecord(state.at, end)) return false;
    state.confirm(end);
    return end.position !== LOG_START.position || !(await hasLostHead(redis, keys));
  } finally {
    if (merged > 0) state.read(); // lives that are over are forgotten
  }
}

/** True if there is a log or a snapshot, but no head: a missing head then does not prove that nothing was ever folded. */
async function hasLostHead(redis: RedisConnection, keys: GenerationKeys): Promise<boolean> {
  if ((await redis.exists(keys.deltas, keys.snapshot)) === 0) return false;
  return isSameRecord(await readHead(redis, keys), LOG_START);
}
