import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { CACHE } from './cache-folder.mjs';

/** The path of the first of these programs on the PATH, or else in the cache, that `suits`; undefined if there is none. */
export async function findProgram(programs, suits = async () => true) {
  for (const directory of [...(process.env.PATH ?? '').split(delimiter), join(CACHE, 'bin')]) {
    for (const program of programs) {
      const path = join(directory, program);
      if (directory !== '' && isExecutable(path) && (await suits(path))) return path;
    }
  }
  return undefined;
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
