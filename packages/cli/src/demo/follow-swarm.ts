import {
  createShardView,
  findGeneration,
  measureLag,
  type Generation,
  type ShardView,
} from '@streamfold/aggregator';
import { askAll, listShards, type Installation, type RedisConnection } from '@streamfold/redis';
import { summarize, type Summary } from './summarize.ts';

/** Follows the folded state of all shards, as a serving aggregator does. */
export interface SwarmFollower {
  /** The current numbers; rates are since the last call. */
  read(): Promise<Summary>;
}

/** @throws {Error} if no aggregator has opened the shards yet. */
export async function followSwarm(
  redis: RedisConnection,
  installation: Installation,
  now: () => number,
): Promise<SwarmFollower> {
  let parts = await openViews(redis, installation);
  let before = { events: 0, atMs: now() };
  return {
    async read() {
      if (
        (await findGeneration(redis, { prefix: installation.prefix, shard: 0 }))?.id !==
        parts[0]?.generation.id
      )
        parts = await openViews(redis, installation); // a rebuild has replaced it
      const lags = await askAll(parts, async ({ generation, view }) => {
        await view.refresh();
        return (await measureLag(redis, generation)).lagEntries;
      });
      const lagEntries = lags.reduce((sum, lag) => sum + lag, 0);
      const atMs = now();
      const summary = summarize(
        parts.map(({ view }) => view.state),
        {
          catalogue: parts[0]?.generation.catalogue ?? [],
          before: { events: before.events, elapsedMs: atMs - before.atMs },
          lagEntries,
        },
      );
      before = { events: summary.events, atMs };
      return summary;
    },
  };
}

/** A generation on one shard, and its folded state. */
interface Part {
  readonly generation: Generation;
  readonly view: ShardView;
}

async function openViews(redis: RedisConnection, installation: Installation): Promise<readonly Part[]> {
  return askAll(listShards(installation), async (shard) => {
    const generation = await findGeneration(redis, shard);
    if (generation === undefined)
      throw new Error(`shard ${shard.shard}: expected a generation; there is none yet`);
    const listener = { changed: ignore, replaced: ignore };
    const view = createShardView({ redis, generation, listener, observe: ignore, createId: () => '' });
    return { generation, view };
  });
}

function ignore(): void {}
