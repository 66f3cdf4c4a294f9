import { homedir } from 'node:os';
import { join } from 'node:path';

/** `STREAMFOLD_CACHE`, else `streamfold` in `XDG_CACHE_HOME`, else in `~/.cache`: as packages/private-servers has it. */
export const CACHE =
  process.env.STREAMFOLD_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'streamfold');
