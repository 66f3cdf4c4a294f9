import { readFileSync } from 'node:fs';
import type { RedisConnection } from '@streamfold/redis';
import type { FunctionName } from '@streamfold/coordination';
import { nextPrefix } from '../harness/start-redis.ts';

/** The last edition of interface 1: its functions declare only the stream of events, and name the other keys themselves. */
export const EARLIER_LIBRARY = readFileSync(
  new URL('../../coordination/golden/interface-1.lua', import.meta.url),
  'utf8',
);

/** Loads interface 1 beside any other, as a program of that version does. */
export async function loadEarlierLibrary(redis: RedisConnection): Promise<void> {
  const nodes = 'nodes' in redis ? redis.nodes('master') : [redis];
  await Promise.all(nodes.map((node) => node.call('FUNCTION', 'LOAD', 'REPLACE', EARLIER_LIBRARY)));
}

/** FCALL streamfold_1_<name> 1 events arg …, the call of a program of that version. */
export function callEarlierFunction(
  redis: RedisConnection,
  name: FunctionName,
  [events, ...args]: readonly [events: string, ...args: (string | number)[]],
): Promise<unknown> {
  return redis.fcall(`streamfold_1_${name.replaceAll('-', '_')}`, 1, events, ...args);
}

/**
 * False with a server that answers questions about permissions only for commands with all their arguments, such as Redis 8: there
 * the functions of interface 1 refuse to write.
 */
export async function canRunEarlierLibrary(redis: RedisConnection): Promise<boolean> {
  const prefix = nextPrefix();
  await loadEarlierLibrary(redis);
  try {
    await callEarlierFunction(redis, 'start-coordinator', [`${prefix}:{0}:events`, 's', 'ada', '', 0, 0]);
    return true;
  } catch (error) {
    if (String(error).includes('Wrong number of args')) return false;
    throw error;
  }
}
