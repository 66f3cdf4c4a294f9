import { createShardView, type Fact, type Generation, type ShardView } from '@streamfold/aggregator';
import { describeState } from '@streamfold/core';
import type { Redis } from 'ioredis';
import { appendFlat, appendTogether } from './append-events.ts';
import { generateEvents } from './generate-events.ts';
import { startAggregator } from './start-aggregator.ts';
import { waitForGeneration, waitUntilFolded } from './wait-until-folded.ts';

/** A view, and what it has reported. */
export interface WatchedView {
  readonly view: ShardView;
  readonly facts: Fact[];
}

let ids = 0;

/** The ID of the latest snapshot that was begun. */
export function lastSnapshotId(): string {
  return `snapshot-${ids}`;
}

/** A view that writes a snapshot whenever it is asked to and has anything new. */
export function openView(
  redis: Parameters<typeof createShardView>[0]['redis'],
  generation: Generation,
): WatchedView {
  const facts: Fact[] = [];
  const view = createShardView({
    redis,
    generation,
    listener: { changed: () => undefined, replaced: () => undefined },
    observe: (fact) => facts.push(fact),
    createId: () => `snapshot-${++ids}`,
    snapshotRecords: 1,
  });
  return { view, facts };
}

/** Everything that a fresh view shows: the state, and the gauges that it keeps beside it. */
export async function showView(view: ShardView): Promise<unknown> {
  await view.refresh();
  const { alive, openWaits } = view.gauges;
  return { state: sorted(describeState(view.state)), alive: sorted(alive), openWaits: sorted(openWaits) };
}

function sorted(map: ReadonlyMap<string, unknown>): unknown[] {
  return [...map].toSorted(([left], [right]) => (left < right ? -1 : 1));
}

/**
 * Publishes events and folds them, with at most `batchEntries` entries in a record of the delta log. `together`: the events are one
 * entry, and so one record.
 */
export async function foldGenerated(
  server: { readonly redis: Redis; readonly url: string },
  prefix: string,
  {
    seed,
    events = 200,
    batchEntries = 10,
    together = false,
  }: { seed: number; events?: number; batchEntries?: number; together?: boolean },
): Promise<Generation> {
  const { redis, url: redisUrl } = server;
  const append = together ? appendTogether : appendFlat;
  await append(redis, { prefix }, generateEvents(events, { seed }));
  const aggregator = await startAggregator({ redisUrl, prefix, role: 'fold', batchEntries });
  await waitUntilFolded(redis, { prefix });
  await aggregator.stop();
  return waitForGeneration(redis, prefix);
}

/**
 * Saves all keys of a prefix. Returns a function that restores them while all connections stay open, any number of times: the
 * same happens when a Redis takes the data of a replica with a lost tail.
 */
export async function keepState(redis: Redis, prefix: string): Promise<() => Promise<void>> {
  const keys = await redis.keys(`${prefix}*`);
  const saved = await Promise.all(keys.map((key) => redis.dumpBuffer(key)));
  return async () => {
    const back = redis.multi().del(await redis.keys(`${prefix}*`));
    for (const [at, key] of keys.entries()) back.restore(key, 0, saved[at] ?? '');
    await back.exec();
  };
}
