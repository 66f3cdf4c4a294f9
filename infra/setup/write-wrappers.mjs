import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { CACHE } from './cache-folder.mjs';

/** The folder that a program was built for, as the program sees it after its wrapper has opened it. */
const OPENED_FOLDER = '/proc/self/fd/9';

/** The program of the C library that loads other programs. */
const LOADER = /^ld-linux.*\.so\.\d$/;

/** Replaces the system folder that a program was built for by the one that the wrapper opens, a name of the same length. */
export function freeFromFolder(root, { programs, fixedFolder }) {
  const paths = programs.flat().map((program) => join(root, 'usr/bin', program));
  for (const path of paths.filter(existsSync)) {
    const binary = readFileSync(path);
    for (let at = -1; (at = binary.indexOf(fixedFolder, at + 1)) !== -1;) {
      binary.write(OPENED_FOLDER.padEnd(fixedFolder.length, '/'), at);
    }
    writeFileSync(path, binary);
  }
}

/**
 * A program in the cache is a script that sets the path of its libraries and runs it. If its packages contain a C library,
 * the loader of that one runs it, and the programs that it starts keep the libraries of the system.
 */
export function writeWrappers(root, { programs, fixedFolder, places = {} }) {
  const libraries = ['usr/lib', 'lib', 'usr/lib64']
    .map((folder) => join(root, folder))
    .flatMap((folder) => [folder, ...listFolders(folder), ...listFolders(folder).flatMap(listFolders)]);
  const path = libraries.filter(holdsLibraries).join(':');
  const loader = libraries.flatMap(listLoaders)[0];
  const opening = fixedFolder === undefined ? '' : `exec 9<"${join(root, fixedFolder)}"\n`;
  for (const program of programs.flat()) {
    const place = join(root, places[program] ?? join('usr/bin', program));
    if (!existsSync(place)) continue;
    const starting =
      loader === undefined
        ? `LD_LIBRARY_PATH="${path}\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" exec "${place}" "$@"`
        : `exec "${loader}" --library-path "${path}" "${place}" "$@"`;
    writeProgram(program, `#!/bin/sh\n${opening}${starting}\n`);
  }
}

/** Puts a program into the cache, in one step: another set-up may be looking for it. */
function writeProgram(name, script) {
  const path = join(CACHE, 'bin', name);
  mkdirSync(join(CACHE, 'bin'), { recursive: true });
  writeFileSync(`${path}.${process.pid}`, script);
  chmodSync(`${path}.${process.pid}`, 0o755);
  renameSync(`${path}.${process.pid}`, path);
}

function listFolders(directory) {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(directory, entry.name));
}

function listLoaders(directory) {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => LOADER.test(name))
    .map((name) => join(directory, name));
}

function holdsLibraries(directory) {
  return existsSync(directory) && readdirSync(directory).some((name) => /\.so(\.|$)/.test(name));
}
