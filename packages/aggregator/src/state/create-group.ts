import { loadScript, STREAM_LUA, type RedisConnection } from '@streamfold/redis';
import { countTrimmed } from './count-trimmed.ts';
import type { Generation } from './generation.ts';

const script = loadScript(new URL('../../lua/create-group.lua', import.meta.url), STREAM_LUA);

/**
 * `gone`: the generation was dropped, and must not come back. `lost`: the registry calls it live, but the shard holds the
 * state of another one, or none.
 */
export type GroupOutcome = 'created' | 'exists' | 'restored' | 'gone' | 'lost';

/** How a group may be created; see create-group.lua. */
export type GroupMode = 'live' | 'accepted' | 'building' | 'existing';

/**
 * EVALSHA create-group.lua 3 events head marks group id how
 *
 * Makes sure that the generation's consumer group exists, and the stream with it. A new group starts at the oldest
 * entry, so that events published before the first aggregator started are folded too.
 *
 * @param how `live` and `building` create it if it is missing; `existing` only if the generation still exists.
 * @returns `restored` if the group was gone although there is state (somebody destroyed it, or the stream): it then starts
 *   after the last entry up to which everything had been folded, so that nothing is counted twice.
 */
export async function createGroup(
  redis: RedisConnection,
  generation: Generation,
  how: GroupMode = 'live',
): Promise<GroupOutcome> {
  const { shardKeys, keys } = generation;
  const reply = await script.run(
    redis,
    [shardKeys.events, keys.head, shardKeys.marks],
    [keys.group, generation.id, how],
  );
  const outcome = String(reply).split(' ')[0] as GroupOutcome;
  if (outcome === 'created' || outcome === 'restored') await countTrimmed(redis, generation);
  return outcome;
}
