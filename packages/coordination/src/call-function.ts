import { coordinationKeys, shardOfEvents, type RedisConnection } from '@streamfold/redis';
import { nameKeys } from './function-keys.ts';
import {
  EARLIER_INTERFACE,
  INTERFACE,
  isFunctionMissing,
  isNotPermitted,
  registeredName,
  updateLibrary,
  type FunctionName,
} from './function-library.ts';

/** A function asks for keys at most this often: the longest way from an overdue coordinator to the ACKs it waits for is half. */
const ASKS_MOST = 12;

/** A call of a function. */
export interface FunctionCall {
  readonly name: FunctionName;
  /** The stream of events of the shard. */
  readonly events: string;
  readonly args: readonly (string | number)[];
  /** Keys that the caller knows in addition to those that the arguments name: the function need not ask for them. */
  readonly further: readonly string[];
}

/**
 * Calls a function with all keys that its arguments name, see `callWithKeys`.
 *
 * @throws the error reply of Redis: `STREAMFOLD …` says what was expected and what arrived. After an error of the
 *   connection it is unknown whether the call was done.
 */
export function callFunction(
  redis: RedisConnection,
  name: FunctionName,
  [events, ...args]: readonly [events: string, ...args: (string | number)[]],
): Promise<unknown> {
  return callWithKeys(redis, { name, events, args, further: [] });
}

/**
 * FCALL streamfold_2_<name> numkeys events key … arg …
 *
 * Calls a function with all keys that its arguments name, and the further ones. If it needs others, because of what it has
 * found in Redis, it changes nothing and asks for them; then it is called again with these keys as well. Loads the library if
 * Redis does not have it: at first use, or after a FLUSHALL.
 */
export async function callWithKeys(redis: RedisConnection, call: FunctionCall): Promise<unknown> {
  const { name, events, args, further } = call;
  const keys = coordinationKeys(shardOfEvents(events));
  const declared = new Set([events, ...nameKeys(name, keys, args), ...further]);
  for (let asks = 0; ; asks++) {
    try {
      return await callLoaded(redis, call, [...declared]);
    } catch (error) {
      const wanted = readWanted(error);
      if (wanted.length === 0) throw error;
      if (asks === ASKS_MOST) {
        throw new Error(`${name}: expected to find the same keys twice; the state changes too fast`, {
          cause: error,
        });
      }
      for (const key of wanted) declared.add(keys.named(key));
    }
  }
}

/** The names of the keys that a function asks for; empty for any other error. */
function readWanted(error: unknown): string[] {
  const [, names = ''] = /^UNDECLARED (.+)$/s.exec(error instanceof Error ? error.message : '') ?? [];
  return names.split(' ').filter((name) => name !== '');
}

async function callLoaded(
  redis: RedisConnection,
  { name, args }: FunctionCall,
  keys: readonly string[],
): Promise<unknown> {
  const call = (ofInterface: number, declared: readonly string[]): Promise<unknown> =>
    // One array: thousands of arguments that are spread into a call would overflow the stack.
    redis.call('fcall', [registeredName(name, ofInterface), declared.length, ...declared, ...args]);
  for (let loads = 0; ; loads++) {
    try {
      return await call(INTERFACE, keys);
    } catch (error) {
      if (!isFunctionMissing(error) || loads === 2) throw error;
    }
    const refusal = await loadLibrary(redis);
    if (refusal !== undefined) {
      return callEarlier(() => call(EARLIER_INTERFACE, keys.slice(0, 1)), refusal);
    }
  }
}

/** The refusals of users who may not load functions, on servers where interface 2 was missing. */
const refusals = new WeakMap<RedisConnection, unknown>();

/** Loads the library, or returns the refusal of Redis if the user may not. */
async function loadLibrary(redis: RedisConnection): Promise<unknown> {
  if (refusals.has(redis)) return refusals.get(redis);
  try {
    await updateLibrary(redis);
  } catch (error) {
    if (!isNotPermitted(error)) throw error;
    refusals.set(redis, error);
    return error;
  }
  return undefined;
}

/** Until somebody loads interface 2, interface 1 does the same. If that is missing, too, the user needs the permission. */
async function callEarlier(call: () => Promise<unknown>, refused: unknown): Promise<unknown> {
  try {
    return await call();
  } catch (error) {
    throw isFunctionMissing(error) ? refused : error;
  }
}
