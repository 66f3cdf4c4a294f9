import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { RedisConnection } from './connect.ts';

/** A Lua script that Redis runs atomically. */
export interface Script {
  /**
   * EVALSHA sha1 numkeys key [key …] arg [arg …], or EVAL if Redis does not know the script yet.
   * The keys must be in one hash slot.
   */
  run(
    redis: RedisConnection,
    keys: readonly string[],
    args: readonly (string | number | Buffer)[],
  ): Promise<unknown>;
}

/** A Lua file that scripts are loaded with: what Redis says about streams, and the arithmetic of entry IDs. */
export const STREAM_LUA = new URL('../lua/stream.lua', import.meta.url);

/**
 * Reads a script from its file, once, when the program is loaded.
 *
 * @param preludes files that stand before it, whose local functions it uses.
 */
export function loadScript(file: URL, ...preludes: readonly URL[]): Script {
  const lua = [...preludes, file].map((each) => readFileSync(each, 'utf8')).join('\n');
  const sha1 = createHash('sha1').update(lua).digest('hex');
  return {
    async run(redis, keys, args) {
      // One array: thousands of arguments that are spread into a call would overflow the stack.
      const rest = [keys.length, ...keys, ...args];
      try {
        return await redis.call('evalsha', [sha1, ...rest]);
      } catch (error) {
        if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
        return redis.call('eval', [lua, ...rest]);
      }
    },
  };
}
