import { shardCountKey } from '@streamfold/redis';
import type { Check } from '../check.ts';
import { judge } from '../finding.ts';

/** Whether the configured number of shards is the recorded one. */
export const shardCount: Check = {
  name: 'shards',
  needed: true,
  async run({ redis, installation: { prefix, shards } }) {
    const { ok, fail } = judge('shards');
    const recorded = await redis.get(shardCountKey(prefix));
    if (recorded === null) return [ok(`${shards}, to be recorded at first use`)];
    return [
      recorded === String(shards)
        ? ok(`${shards}, as recorded in Redis`)
        : fail(
            `${recorded} are recorded in Redis (${shardCountKey(prefix)}), ${shards} configured: set STREAMFOLD_SHARDS`,
          ),
    ];
  },
};
