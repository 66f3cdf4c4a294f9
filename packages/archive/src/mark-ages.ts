import { type RedisConnection, type Shard, shardKeys } from '@streamfold/redis';
import { loadAgeScript } from './age-script.ts';

const script = loadAgeScript(new URL('../lua/mark-ages.lua', import.meta.url));

/**
 * EVALSHA mark-ages.lua 2 events ages
 *
 * Keeps archiving and trimming alive if an ID runs ahead of the clock of Redis, say because a publisher wrote one in
 * microseconds: all later entries get IDs after it. Their ages then follow from marks, each of which says which ID was the
 * last at what time. Called before each archiving and trimming; an entry is as old as the first mark at or after it.
 */
export async function markAges(redis: RedisConnection, shard: Shard): Promise<void> {
  const { events, ages } = shardKeys(shard);
  await script.run(redis, [events, ages], []);
}
