import { loadScript, shardKeys, type RedisConnection } from '@streamfold/redis';
import { positionBehind, type Segment } from './segment.ts';

const script = loadScript(new URL('../lua/record-archived.lua', import.meta.url));

/**
 * EVALSHA record-archived.lua 1 archived sequence last position
 *
 * Records in Redis that a shard is archived to the end of `segment`: from then on it may be trimmed up to there. Never
 * goes back.
 */
export async function recordArchived(
  redis: RedisConnection,
  prefix: string,
  segment: Segment,
): Promise<void> {
  const { archived } = shardKeys(prefix, segment.shard);
  await script.run(redis, [archived], [segment.sequence, segment.lastId, positionBehind(segment)]);
}
