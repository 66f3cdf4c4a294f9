import { shardKeys } from '@streamfold/redis';
import { readPairs, type Installation } from './check-folded-once.ts';

/** A consumer of the group, as Redis sees it. */
export interface SeenConsumer {
  readonly name: string;
  readonly pending: number;
}

/** The consumers of the groups of all shards; none if there is no group yet. */
export async function readConsumers({ redis, prefix, shards = 1 }: Installation): Promise<SeenConsumer[]> {
  const consumers: SeenConsumer[] = [];
  for (let shard = 0; shard < shards; shard++) {
    const { events } = shardKeys({ prefix, shard });
    const groups = (await redis.xinfo('GROUPS', events).catch(() => [])) as unknown[];
    for (const group of groups.map(readPairs)) {
      for (const fields of (await redis.xinfo('CONSUMERS', events, String(group.get('name')))) as unknown[]) {
        const consumer = readPairs(fields);
        consumers.push({ name: String(consumer.get('name')), pending: Number(consumer.get('pending')) });
      }
    }
  }
  return consumers;
}
