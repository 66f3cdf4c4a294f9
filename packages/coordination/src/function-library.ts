import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { RedisConnection } from '@streamfold/redis';

/**
 * The functions of the library, one file each in `lua/`. The names that other languages call them by are these with
 * `streamfold_1_` before them and `_` for `-`; the number is that of the interface, and another one can be loaded beside
 * it while programs are being replaced.
 */
const FUNCTION_NAMES = [
  'start-coordinator',
  'beat',
  'change-phase',
  'stop-coordinator',
  'send-signal',
  'acknowledge-signal',
  'settle-signal',
  'read-acks',
  'reject-ack',
  'start-wait',
  'finish-wait',
  'step-monitor',
  'open-work',
  'finish-work',
  'list-work',
  'take-over',
  'clean-up',
] as const;

export type FunctionName = (typeof FUNCTION_NAMES)[number];

const INTERFACE = 1;

/** The library as FUNCTION LOAD takes it. */
export const LIBRARY = assembleLibrary();

function assembleLibrary(): string {
  const sources = ['prelude', ...FUNCTION_NAMES].map(readLua).join('\n');
  const digest = createHash('sha256').update(sources).digest('hex').slice(0, 12);
  const registrations = FUNCTION_NAMES.map(
    (name) => `redis.register_function('${registeredName(name)}', ${name.replaceAll('-', '_')})`,
  );
  return [
    `#!lua name=streamfold_coordination_${INTERFACE}`,
    `-- ${digest}`,
    sources,
    ...registrations,
    '',
  ].join('\n');
}

function readLua(name: string): string {
  return readFileSync(new URL(`../lua/${name}.lua`, import.meta.url), 'utf8');
}

function registeredName(name: FunctionName): string {
  return `streamfold_${INTERFACE}_${name.replaceAll('-', '_')}`;
}

/**
 * FUNCTION LOAD REPLACE library
 *
 * Makes the functions callable by name, for programs in any language. Doing it again changes nothing. Functions are
 * persisted and replicated with the data; in a Redis Cluster each primary has its own.
 */
export async function loadLibrary(redis: RedisConnection): Promise<void> {
  const nodes = 'nodes' in redis ? redis.nodes('master') : [redis];
  await Promise.all(nodes.map((node) => node.call('FUNCTION', 'LOAD', 'REPLACE', LIBRARY)));
}

/**
 * FUNCTION LOAD [REPLACE] library
 *
 * Loads it where it is missing. A thousand coordinators that start at once all find it missing: compiling takes Redis
 * some ms, being told that it is there by now takes some us.
 *
 * @param outdated the library is there, and lacks a function: it is replaced.
 */
async function loadMissingLibrary(redis: RedisConnection, outdated: boolean): Promise<void> {
  if (outdated || 'nodes' in redis) return loadLibrary(redis);
  try {
    await redis.call('FUNCTION', 'LOAD', LIBRARY);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.includes('already exists')) throw error;
  }
}

/**
 * FCALL streamfold_1_<name> 1 events arg …
 *
 * Calls a function, and loads the library where Redis does not have it: at first use, or after a FLUSHALL.
 *
 * @throws what Redis replies: `STREAMFOLD …` says what was expected and what came. After an error of the connection
 *   nobody knows whether it was done.
 */
export async function callFunction(
  redis: RedisConnection,
  name: FunctionName,
  [events, ...args]: readonly [events: string, ...args: (string | number)[]],
): Promise<unknown> {
  for (let loads = 0; ; loads++) {
    try {
      return await redis.fcall(registeredName(name), 1, events, ...args);
    } catch (error) {
      const isMissing = error instanceof Error && error.message.includes('Function not found');
      if (!isMissing || loads === 2) throw error;
      await loadMissingLibrary(redis, loads > 0);
    }
  }
}
