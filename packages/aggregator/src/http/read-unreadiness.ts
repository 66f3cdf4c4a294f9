import { askAll, isReady, toError, type RedisConnection } from '@streamfold/redis';
import type { Generation } from '../state/generation.ts';
import type { SwarmMetrics } from '../view/swarm-metrics.ts';
import { toLine, type StatedReason } from './health-reason.ts';

/** The state of an aggregator that is known without asking Redis. */
interface KnownReadiness {
  readonly generations: readonly Generation[];
  readonly unreadable: string | undefined;
  readonly serves: boolean;
  readonly swarmMetrics: SwarmMetrics | undefined;
  readonly conditions: readonly StatedReason[];
  readonly lastConnectionError: string | undefined;
}

/**
 * Why an aggregator is not ready to serve, on one line with the error if there is one; `undefined` if it is ready: Redis
 * answers for every shard, groups exist, the first view is loaded.
 */
export async function readUnreadiness(
  redis: RedisConnection,
  known: KnownReadiness,
): Promise<string | undefined> {
  const detailOf = (reason: StatedReason['reason']): string | undefined =>
    known.conditions.find((each) => each.reason === reason)?.detail;
  if (!isReady(redis)) return explain('Redis is not reached', known.lastConnectionError);
  if (known.unreadable !== undefined) return known.unreadable;
  if (known.generations.length === 0)
    return explain('the consumer groups are not there yet', detailOf('shards_not_open'));
  if (known.serves && known.swarmMetrics?.loaded !== true)
    return explain('the first view is not loaded yet', detailOf('view_stalled'));
  // A Cluster has many nodes: PING would ask any one of them.
  return askAll(known.generations, ({ shardKeys }) => redis.exists(shardKeys.events)).then(
    () => undefined,
    (cause: unknown) => explain('Redis does not answer', toError(cause).message),
  );
}

function explain(what: string, detail: string | undefined): string {
  return detail === undefined || detail === '' ? what : toLine(`${what}: ${detail}`);
}
