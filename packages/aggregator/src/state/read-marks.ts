import { type RedisConnection, type Shard, shardKeys } from '@streamfold/redis';
import { numberOf } from './generation.ts';

/** What a shard records about generations, independently of the registry. */
export interface Marks {
  /** The last generation that was live on it. */
  readonly live: string | undefined;
  /** The largest number that any generation on it has had; 0 if there was none. */
  readonly number: number;
}

/** HGETALL marks */
export async function readMarks(redis: RedisConnection, shard: Shard): Promise<Marks> {
  const { live, ...dropped } = await redis.hgetall(shardKeys(shard).marks);
  const ids = [...Object.keys(dropped), ...(live === undefined ? [] : [live])];
  return { live, number: Math.max(0, ...ids.map(numberOf)) };
}
