import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/**
 * The folder of the servers that the set-up provides, by the same rule as in `infra/setup/provide-servers.mjs`.
 * `STREAMFOLD_CACHE`, else `streamfold` in `XDG_CACHE_HOME`, else in `~/.cache`.
 */
function cacheDirectory(): string {
  const { STREAMFOLD_CACHE: own, XDG_CACHE_HOME: cache } = process.env;
  return own ?? join(cache ?? join(homedir(), '.cache'), 'streamfold');
}

/**
 * The first of these programs that is on the PATH, or else in the cache.
 *
 * @throws {Error} if there is none; the text says how to get one.
 */
export function findServer(names: readonly string[]): string {
  const directories = [...(process.env['PATH'] ?? '').split(delimiter), join(cacheDirectory(), 'bin')];
  for (const directory of directories) {
    for (const name of names) {
      const path = join(directory, name);
      if (directory !== '' && isExecutable(path)) return path;
    }
  }
  throw new Error(
    `expected ${names.join(' or ')} on the PATH or in ${cacheDirectory()}; found none: run \`npm test\` or \`npm start\` once, which provide it`,
  );
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
