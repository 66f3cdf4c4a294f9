import type { Installation, RedisConnection } from '@streamfold/redis';
import { beginDropping, dropGeneration } from '../state/drop-generation.ts';
import { readRegistry } from '../state/read-registry.ts';

/** What became of a request to cancel. */
export type CancelOutcome =
  /** The rebuild that was under way is given up, and removed. */
  | { readonly outcome: 'cancelled'; readonly id: string }
  /** No rebuild was under way. The removal of a generation that was given up or replaced before is finished. */
  | { readonly outcome: 'removed'; readonly id: string }
  | { readonly outcome: 'nothing' };

/**
 * Gives up the rebuild that is under way, and removes everything of it. Metrics are served as before; aggregators and the
 * command that ran it notice by themselves. Without a rebuild it finishes what an earlier removal left.
 */
export async function cancelRebuild(
  redis: RedisConnection,
  installation: Installation,
): Promise<CancelOutcome> {
  const { prefix } = installation;
  const { building, generations } = await readRegistry(redis, prefix);
  const dropping = [...generations.values()].find(({ state }) => state === 'dropping'); // its removal broke off
  const id = building ?? dropping?.id;
  if (id === undefined) return { outcome: 'nothing' };
  if (!(await beginDropping(redis, prefix, { id, from: 'building', ageMs: 0 })))
    return { outcome: 'nothing' };
  await dropGeneration(redis, id, installation);
  return { outcome: id === building ? 'cancelled' : 'removed', id };
}
