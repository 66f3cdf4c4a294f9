import { mergeDelta, type Delta } from '@streamfold/core';
import type { GenerationKeys, RedisConnection } from '@streamfold/redis';
import { readSnapshots, type Snapshot } from './load-snapshot.ts';
import { isSameRecord, readDeltas, type Position } from './read-deltas.ts';

/**
 * The live state at one position of the delta log: a snapshot before it and the deltas up to it. `undefined` if the log does
 * not lead there from any snapshot: it was trimmed meanwhile, or they cannot be read.
 */
export async function readStateAt(
  redis: RedisConnection,
  keys: GenerationKeys,
  end: Position,
): Promise<Delta | undefined> {
  for await (const snapshot of readSnapshots(redis, keys, () => undefined))
    if (await readOn(redis, keys, { snapshot, end })) return snapshot.state;
  return undefined;
}

/** Merges the deltas up to `end` into the state of a snapshot; false if the log does not lead there from it. */
async function readOn(
  redis: RedisConnection,
  keys: GenerationKeys,
  { snapshot: { at, state }, end }: { snapshot: Snapshot; end: Position },
): Promise<boolean> {
  let name = at;
  while (name.position !== end) {
    const records = await readDeltas(redis, keys, name.position);
    if (records.length === 0) return false;
    for (const record of records) {
      if (!isSameRecord(record.previous, name)) return false;
      mergeDelta(state, record.delta());
      name = record.name;
      if (name.position === end) return true;
    }
  }
  return true;
}
