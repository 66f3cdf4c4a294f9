import type { Installation, RedisConnection } from '@streamfold/redis';
import { beginDropping, dropGeneration } from '../state/drop-generation.ts';
import { readRegistry } from '../state/read-registry.ts';

/** The outcome of a request to cancel. */
export type CancelOutcome =
  /** The rebuild in progress is cancelled, and removed. */
  | { readonly outcome: 'cancelled'; readonly id: string }
  /** No rebuild was in progress. The removal of a generation that was cancelled or replaced earlier is finished. */
  | { readonly outcome: 'removed'; readonly id: string }
  | { readonly outcome: 'nothing' };

/**
 * Cancels the rebuild in progress, and removes everything of it. Metrics are served as before; aggregators and the command
 * that ran the rebuild notice by themselves. Without a rebuild it finishes an earlier removal.
 */
export async function cancelRebuild(
  redis: RedisConnection,
  installation: Installation,
): Promise<CancelOutcome> {
  const { prefix } = installation;
  const { building, generations } = await readRegistry(redis, prefix);
  const dropping = [...generations.values()].find(({ state }) => state === 'dropping'); // its removal was interrupted
  const id = building ?? dropping?.id;
  if (id === undefined) return { outcome: 'nothing' };
  if (!(await beginDropping(redis, prefix, { id, from: 'building', ageMs: 0 })))
    return { outcome: 'nothing' };
  await dropGeneration(redis, id, installation);
  return { outcome: id === building ? 'cancelled' : 'removed', id };
}
