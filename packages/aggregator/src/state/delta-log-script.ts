import { randomBytes } from 'node:crypto';
import { loadScript, STREAM_LUA, type RedisConnection } from '@streamfold/redis';

const DELTA_LOG_LUA = new URL('../../lua/delta-log.lua', import.meta.url);
const RUNS_LUA = new URL('../../lua/committed-runs.lua', import.meta.url);
/** What the scripts that commit have in common. */
export const COMMIT_LUA = new URL('../../lua/commit.lua', import.meta.url);
/** The counters in the head of a delta log, for scripts that only read them. */
export const COUNTERS_LUA = new URL('../../lua/counters.lua', import.meta.url);

/** Bytes of a nonce: no two records of any delta log ever have the same one. */
const NONCE_BYTES = 12;

/** A script that appends to the delta log. */
export interface DeltaLogScript {
  /** The same as for each script. The record that it appends gets this nonce, its last argument. */
  run(
    redis: RedisConnection,
    keys: readonly string[],
    args: readonly (string | number | Buffer)[],
    nonce?: string,
  ): Promise<unknown>;
}

/** A new nonce. */
export function createNonce(): string {
  return randomBytes(NONCE_BYTES).toString('base64url');
}

/**
 * Loads a script that appends to the delta log.
 *
 * @param preludes further files that it is loaded with, behind those of the delta log.
 */
export function loadDeltaLogScript(file: URL, ...preludes: readonly URL[]): DeltaLogScript {
  const script = loadScript(file, STREAM_LUA, DELTA_LOG_LUA, COUNTERS_LUA, RUNS_LUA, ...preludes);
  return {
    // oxlint-disable-next-line max-params -- those of every script, and the nonce
    run: (redis, keys, args, nonce = createNonce()) => script.run(redis, keys, [...args, nonce]),
  };
}
