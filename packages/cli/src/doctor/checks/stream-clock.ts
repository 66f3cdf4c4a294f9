import { compareStamps, stampMs } from '@streamfold/core';
import {
  askAll,
  listShards,
  readServerTimeMs,
  replyField,
  shardKeys,
  type RedisConnection,
} from '@streamfold/redis';
import type { Check } from '../check.ts';
import { judge } from '../finding.ts';

/** IDs further ahead are a warning, ms. */
const TOLERATED_SKEW_MS = 1_000;

/** Entry IDs never go back: if the clock was set back, they are ahead of it until it has caught up. */
export const streamClock: Check = {
  name: 'stream clock',
  needed: true,
  async run({ redis, installation }) {
    const { ok, warn } = judge('stream clock');
    const nowMs = await readServerTimeMs(redis);
    const ends = await askAll(listShards(installation), (shard) =>
      readLastId(redis, shardKeys(shard).events),
    );
    let aheadMs = 0;
    for (const last of ends)
      if (last !== undefined && compareStamps(last, '0-0') > 0)
        aheadMs = Math.max(aheadMs, stampMs(last) - nowMs);
    return [
      aheadMs <= TOLERATED_SKEW_MS
        ? ok('no entry ID is ahead of the clock of Redis')
        : warn(
            `entry IDs are ${aheadMs} ms ahead of the clock of Redis: it was set back, or entries were added with explicit IDs; ages are too small until it has caught up`,
          ),
    ];
  },
};

async function readLastId(redis: RedisConnection, events: string): Promise<string | undefined> {
  if ((await redis.exists(events)) === 0) return undefined;
  const info = (await redis.xinfo('STREAM', events)) as unknown[];
  return String(replyField(info, 'last-generated-id'));
}
