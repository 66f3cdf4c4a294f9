import { compareStamps, type EntryId } from '@streamfold/core';
import { askAll, replyField, type RedisConnection } from '@streamfold/redis';
import type { Generation } from './generation.ts';

/**
 * XINFO GROUPS events, then XRANGE (delivered upto COUNT 1 and XPENDING events group - upto 1
 *
 * True if a generation has folded every entry of a shard up to `upTo` that is still in the stream: none of them is
 * undelivered or pending. False if it has no group.
 */
async function hasFolded(
  redis: RedisConnection,
  { shardKeys: { events }, keys: { group } }: Generation,
  upTo: EntryId,
): Promise<boolean> {
  const delivered = await readLastDelivered(redis, events, [group]);
  if (delivered === undefined) return false;
  if (compareStamps(delivered, upTo) < 0) {
    const [undelivered] = await redis.xrange(events, `(${delivered}`, upTo, 'COUNT', 1);
    if (undelivered !== undefined) return false;
  }
  return (await redis.xpending(events, group, '-', upTo, 1)).length === 0;
}

/** True if a generation, given for each shard, has folded every entry up to the given one of that shard, if there is one. */
export async function haveFolded(
  redis: RedisConnection,
  generations: readonly Generation[],
  upTo: readonly (EntryId | undefined)[],
): Promise<boolean> {
  const folded = await askAll(generations.entries(), async ([shard, generation]) => {
    const entryId = upTo[shard];
    return entryId === undefined || hasFolded(redis, generation, entryId);
  });
  return folded.every(Boolean);
}

/** XINFO GROUPS events: the last entry delivered to any of these groups; `undefined` if none of them exists. */
export async function readLastDelivered(
  redis: RedisConnection,
  events: string,
  groups: readonly string[],
): Promise<EntryId | undefined> {
  let last: EntryId | undefined;
  for (const group of (await redis.xinfo('GROUPS', events)) as unknown[][]) {
    if (!groups.includes(String(replyField(group, 'name')))) continue;
    const delivered = String(replyField(group, 'last-delivered-id'));
    if (last === undefined || compareStamps(delivered, last) > 0) last = delivered;
  }
  return last;
}
