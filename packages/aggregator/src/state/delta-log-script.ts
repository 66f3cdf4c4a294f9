import { randomBytes } from 'node:crypto';
import { loadScript, STREAM_LUA, type Script } from '@streamfold/redis';

const DELTA_LOG_LUA = new URL('../../lua/delta-log.lua', import.meta.url);
const RUNS_LUA = new URL('../../lua/committed-runs.lua', import.meta.url);
/** What the scripts that commit have in common. */
export const COMMIT_LUA = new URL('../../lua/commit.lua', import.meta.url);
/** The counters in the head of a delta log, for scripts that only read them. */
export const COUNTERS_LUA = new URL('../../lua/counters.lua', import.meta.url);

/** Bytes of a nonce: no two records of any delta log ever have the same one. */
const NONCE_BYTES = 12;

/**
 * Loads a script that appends to the delta log; each run gets a nonce of its own as one more argument, the last.
 *
 * @param preludes further files that it is loaded with, behind those of the delta log.
 */
export function loadDeltaLogScript(file: URL, ...preludes: readonly URL[]): Script {
  const script = loadScript(file, STREAM_LUA, DELTA_LOG_LUA, COUNTERS_LUA, RUNS_LUA, ...preludes);
  return {
    run: (redis, keys, args) =>
      script.run(redis, keys, [...args, randomBytes(NONCE_BYTES).toString('base64url')]),
  };
}
