import { type RedisConnection, type Shard, shardKeys } from '@streamfold/redis';
import { callFunction } from './call-function.ts';

/** The number of inboxes of a shard that are nearly full: at least 80 % of their bound. */
export interface NearBound {
  readonly inboxes: number;
  /** The fullest of them, `inbox:<swarm>|<id>`; empty if there is none. */
  readonly fullest: string;
  /** Its fill, in percent. */
  readonly percent: number;
}

/**
 * FCALL streamfold_2_read_near_bound numkeys events near-bound inbox …
 *
 * Checks the inboxes that deliveries have found nearly full, at most 100 of them; no key is searched for.
 */
export async function readNearBound(redis: RedisConnection, shard: Shard): Promise<NearBound> {
  const { events } = shardKeys(shard);
  const reply = await callFunction(redis, 'read-near-bound', [events]);
  const [inboxes, fullest, percent] = reply as [number, string, number];
  return { inboxes, fullest, percent };
}
