import {
  createShardView,
  findGeneration,
  measureLag,
  type Generation,
  type ShardView,
} from '@streamfold/aggregator';
import type { RedisConnection } from '@streamfold/redis';
import type { Installation } from '../doctor/finding.ts';
import { summarize, type Summary } from './summarize.ts';

/** Follows what has been folded on all shards, as an aggregator that serves does. */
export interface SwarmFollower {
  /** The numbers as of now; rates are since the last call. */
  read(): Promise<Summary>;
}

/** @throws {Error} where no aggregator has opened the shards yet. */
export async function followSwarm(
  redis: RedisConnection,
  { prefix, shards }: Pick<Installation, 'prefix' | 'shards'>,
  now: () => number,
): Promise<SwarmFollower> {
  const parts: { generation: Generation; view: ShardView }[] = [];
  for (let shard = 0; shard < shards; shard++) {
    const generation = await findGeneration(redis, prefix, shard);
    if (generation === undefined) throw new Error(`shard ${shard}: expected a generation; there is none yet`);
    const listener = { changed: ignore, replaced: ignore };
    parts.push({
      generation,
      view: createShardView({ redis, generation, listener, observe: ignore, createId: () => '' }),
    });
  }
  let before = { events: 0, atMs: now() };
  return {
    async read() {
      let lagEntries = 0;
      for (const { generation, view } of parts) {
        await view.refresh();
        lagEntries += (await measureLag(redis, generation)).lagEntries;
      }
      const atMs = now();
      const summary = summarize(
        parts.map(({ view }) => view.state),
        {
          before: { events: before.events, elapsedMs: atMs - before.atMs },
          lagEntries,
        },
      );
      before = { events: summary.events, atMs };
      return summary;
    },
  };
}

function ignore(): void {}
