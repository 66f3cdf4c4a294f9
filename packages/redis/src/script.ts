import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { RedisConnection } from './connect.ts';

/** A Lua script that Redis runs atomically. */
export interface Script {
  /**
   * EVALSHA sha1 numkeys key [key …] arg [arg …], or EVAL where Redis does not know the script yet.
   * The keys must be in one hash slot.
   */
  run(redis: RedisConnection, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown>;
}

/** Reads a script from its file, once, when the program is loaded. */
export function loadScript(file: URL): Script {
  const lua = readFileSync(file, 'utf8');
  const sha1 = createHash('sha1').update(lua).digest('hex');
  return {
    async run(redis, keys, args) {
      try {
        return await redis.evalsha(sha1, keys.length, ...keys, ...args);
      } catch (error) {
        if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
        return redis.eval(lua, keys.length, ...keys, ...args);
      }
    },
  };
}
