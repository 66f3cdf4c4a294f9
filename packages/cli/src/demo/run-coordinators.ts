import { setMaxListeners } from 'node:events';
import { redactUrl } from '@streamfold/redis';
import type { Environment } from '../environment.ts';
import { withRedis } from '../with-redis.ts';
import { chooseCast } from './cast.ts';
import { directCast } from './direct-cast.ts';
import { firstAbort } from './first-abort.ts';

/**
 * The swarm alone, in the configured Redis, until it is stopped or the time is over. Aggregators, wherever they run, fold
 * its events and watch over it. If Redis becomes unreachable later, it waits.
 *
 * @throws {Error} if Redis cannot be reached at the start.
 * @throws {ConfigurationError} if Redis holds another number of shards.
 */
export async function runCoordinators({
  configuration,
  stop,
  pause,
  random,
  print,
}: Environment): Promise<void> {
  const { redis: redisUrl, prefix, shards, seconds, scenario } = configuration;
  const cast = chooseCast(scenario);
  await withRedis(configuration, () => Promise.resolve());
  const over = new AbortController();
  const timer = seconds > 0 ? setTimeout(() => over.abort(), seconds * 1_000) : undefined;
  const ended = firstAbort(stop, over.signal);
  setMaxListeners(0, ended); // each process adds a listener
  print(`${cast.length} coordinators, a process each, in ${redactUrl(redisUrl)}, keys ${prefix}:*`);
  await directCast(cast, { redisUrl, prefix, shards, pause, random }, ended);
  clearTimeout(timer);
  print('stopped');
}
