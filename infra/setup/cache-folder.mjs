import { homedir } from 'node:os';
import { join } from 'node:path';

/** `STREAMFOLD_CACHE`, else `streamfold` in `XDG_CACHE_HOME`, else in `~/.cache`: the same as in packages/private-servers. */
export const CACHE =
  process.env.STREAMFOLD_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'streamfold');
