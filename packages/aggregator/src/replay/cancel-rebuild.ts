import type { RedisConnection } from '@streamfold/redis';
import { beginDropping, dropGeneration } from '../state/drop-generation.ts';
import { readRegistry } from '../state/read-registry.ts';

/**
 * Gives up the rebuild that is under way, and removes all that there is of it. Metrics are served as before; aggregators
 * and the command that ran it notice by themselves. Returns its ID, or `undefined` where there was none.
 */
export async function cancelRebuild(
  redis: RedisConnection,
  installation: { readonly prefix: string; readonly shards: number },
): Promise<string | undefined> {
  const { prefix } = installation;
  const { building, generations } = await readRegistry(redis, prefix);
  const broken = [...generations.values()].find(({ state }) => state === 'dropping'); // a cancel that did not get far
  const id = building ?? broken?.id;
  if (id === undefined) return undefined;
  if (!(await beginDropping(redis, prefix, { id, from: 'building', ageMs: 0 }))) return undefined;
  await dropGeneration(redis, id, installation);
  return id;
}
