import {
  compareStamps,
  createEntryFold,
  createFold,
  emptyDelta,
  mergeDelta,
  noUpcasters,
  type Delta,
  type EntryId,
} from '@streamfold/core';
import type { RedisConnection } from '@streamfold/redis';
import type { Generation } from '../state/generation.ts';
import { compareStates, type Difference } from './compare-states.ts';
import { readCut, type Cut } from '../state/read-cut.ts';
import { readStateAt } from '../state/read-state-at.ts';

/** Entries read at once: some MB if they are large. */
const PAGE_ENTRIES = 500;
/** The number of cuts that are tried if the delta log is trimmed while a state is read. */
const CUT_TRIES = 5;

/**
 * Compares two generations with the same definitions on one shard, at a consistent cut, while both continue. Each is read as
 * of some moment; then the entries up to the later of the two moments that it had not folded yet are folded on top.
 */
export async function compareGenerations(
  redis: RedisConnection,
  { live, built }: { live: Generation; built: Generation },
  shards: number,
): Promise<Difference[]> {
  const ofLive = await readAtCut(redis, live);
  const ofBuilt = await readAtCut(redis, built);
  const [left, right] = [ofLive.cut.lastDelivered, ofBuilt.cut.lastDelivered];
  const end = compareStamps(left, right) > 0 ? left : right;
  await complete(redis, live, { ...ofLive, end, shards });
  await complete(redis, built, { ...ofBuilt, end, shards });
  return compareStates(ofLive.state, ofBuilt.state, live.catalogue);
}

interface StateAtCut {
  readonly cut: Cut;
  readonly state: Delta;
}

async function readAtCut(redis: RedisConnection, generation: Generation): Promise<StateAtCut> {
  for (let tries = 0; tries < CUT_TRIES; tries++) {
    const cut = await readCut(redis, generation);
    const state = await readStateAt(redis, generation.keys, cut.position);
    if (state !== undefined) return { cut, state };
  }
  throw new Error(
    `delta log ${generation.keys.deltas}: expected it to reach back to a cut; it was trimmed ${CUT_TRIES} times meanwhile`,
  );
}

/** XRANGE events …: folds the entries up to `end` that are not in the state yet, in the order of the stream. */
async function complete(
  redis: RedisConnection,
  { shard, shardKeys: { events }, catalogue }: Generation,
  { cut, state, end, shards }: StateAtCut & { end: EntryId; shards: number },
): Promise<void> {
  const foldEntry = createEntryFold(createFold(catalogue), { shard, shards, upcasters: noUpcasters });
  const delta = emptyDelta();
  const fold = (page: readonly [string, string[]][]): void => {
    for (const [id, fields] of page) foldEntry(delta, id, fields);
  };
  const pending = [...cut.pending].toSorted(compareStamps);
  for (const id of pending) fold(await redis.xrange(events, id, id));
  for (let from = cut.lastDelivered; compareStamps(from, end) < 0;) {
    const page = await redis.xrange(events, `(${from}`, end, 'COUNT', PAGE_ENTRIES);
    fold(page);
    const last = page.at(-1);
    if (last === undefined) break;
    from = last[0];
  }
  mergeDelta(state, delta);
}
