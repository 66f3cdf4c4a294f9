import { loadScript, STREAM_LUA, type Script } from '@streamfold/redis';

const ENTRY_AGE_LUA = new URL('../lua/entry-age.lua', import.meta.url);

/** A script that asks how old entries are. */
export function loadAgeScript(file: URL): Script {
  return loadScript(file, STREAM_LUA, ENTRY_AGE_LUA);
}
