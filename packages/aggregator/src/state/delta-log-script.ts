import { loadScript, STREAM_LUA, type Script } from '@streamfold/redis';

const DELTA_LOG_LUA = new URL('../../lua/delta-log.lua', import.meta.url);
const COUNTERS_LUA = new URL('../../lua/counters.lua', import.meta.url);

/** Loads a script that appends to the delta log. */
export function loadDeltaLogScript(file: URL): Script {
  return loadScript(file, STREAM_LUA, DELTA_LOG_LUA, COUNTERS_LUA);
}
