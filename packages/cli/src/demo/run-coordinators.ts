import { setMaxListeners } from 'node:events';
import { redactUrl } from '@streamfold/redis';
import type { Environment } from '../environment.ts';
import { withRedis } from '../with-redis.ts';
import { chooseCast } from './cast.ts';
import { directCast } from './direct-cast.ts';
import { firstAbort } from './first-abort.ts';

/**
 * The swarm alone, in the Redis that is configured, until it is told to stop or the time is over; aggregators fold what it
 * does, and watch over it, wherever they run. A Redis that goes away later is waited for.
 *
 * @throws {Error} where Redis cannot be reached at the start.
 * @throws {ConfigurationError} where Redis holds another number of shards.
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
  setMaxListeners(0, ended); // every process listens to it
  print(`${cast.length} coordinators, a process each, in ${redactUrl(redisUrl)}, keys ${prefix}:*`);
  await directCast(cast, { redisUrl, prefix, shards, pause, random }, ended);
  clearTimeout(timer);
  print('stopped');
}
