import { mergeDelta, type Delta } from '@streamfold/core';
import type { GenerationKeys, RedisConnection } from '@streamfold/redis';
import { loadSnapshot } from './load-snapshot.ts';
import { readDeltas, type Position } from './read-deltas.ts';

/**
 * The live state at one position of the delta log: the snapshot before it and the deltas up to it. `undefined` where the
 * log does not reach back that far any more.
 */
export async function readStateAt(
  redis: RedisConnection,
  keys: GenerationKeys,
  end: Position,
): Promise<Delta | undefined> {
  const snapshot = await loadSnapshot(redis, keys);
  const { state } = snapshot;
  let { position } = snapshot;
  while (position !== end) {
    const records = await readDeltas(redis, keys, position);
    if (records.length === 0) return undefined;
    for (const record of records) {
      if (record.previous !== position) return undefined;
      mergeDelta(state, record.delta());
      position = record.position;
      if (position === end) return state;
    }
  }
  return state;
}
