import { describeStateLoss, readStateLoss } from '@streamfold/aggregator';
import { askAll, listShards } from '@streamfold/redis';
import type { Check } from '../check.ts';
import { judge } from '../finding.ts';

/** Shards that went back to an older state within a week; those that may not be read have another finding. */
export const stateLoss: Check = {
  name: 'state loss',
  async run({ redis, installation }) {
    const losses = await askAll(listShards(installation), (shard) =>
      readStateLoss(redis, shard).catch(() => undefined),
    );
    return losses.flatMap((loss, shard) =>
      loss === undefined ? [] : [judge('state loss').warn(`shard ${shard}: ${describeStateLoss(loss)}`)],
    );
  },
};
