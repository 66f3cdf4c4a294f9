import { loadScript, shardKeys, type RedisConnection } from '@streamfold/redis';
import { LogError } from './log-error.ts';
import { positionBehind, type Segment } from './segment.ts';

const script = loadScript(new URL('../lua/record-archived.lua', import.meta.url));

/**
 * EVALSHA record-archived.lua 1 archived sequence last position history sha256 decided
 *
 * Records in Redis that a shard is archived to the end of `segment`: from then on it may be trimmed up to there. The record
 * never goes back, unless an operator has `decided` which archive is the right one.
 *
 * @throws {LogError} if Redis has recorded an archive of another history.
 */
export async function recordArchived(
  redis: RedisConnection,
  { prefix, decided = false }: { readonly prefix: string; readonly decided?: boolean },
  segment: Segment,
): Promise<void> {
  const { shard, sequence, lastId, history = '', sha256, previous } = segment;
  const { archived } = shardKeys({ prefix, shard });
  const args = [sequence, lastId, positionBehind(segment), history, sha256, decided ? '1' : '0'];
  if ((await script.run(redis, [archived], args)) !== 'other_history') return;
  throw new LogError({
    reason: 'other_history',
    shard,
    after: previous?.lastId ?? '0-0',
    to: lastId,
    detail: `Redis has recorded an archive of another history than segment ${sequence}, which has ${history}`,
  });
}
