import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import { CACHE } from './cache-folder.mjs';
import { runCommand } from './run-command.mjs';
import { SERVERS } from './servers.mjs';
import { SetupError } from './setup-error.mjs';
import { showStep } from './show-step.mjs';

/**
 * Makes sure that the programs are on the PATH or in the cache. If they are not, they are extracted from the
 * distribution's packages into the cache: without root, and without installing anything into the system.
 */
export async function provideServers(name) {
  const server = SERVERS[name];
  const missing = [];
  for (const programs of server.programs)
    if (!(await isThere(programs, server.version))) missing.push(programs);
  if (missing.length === 0) return;
  await showStep(`providing ${name}`, async () => {
    if (process.platform !== 'linux' || !(await has('apt-get')) || !(await has('dpkg-deb')))
      throw byHand(name);
    await extractPackages(name, server);
  });
}

async function isThere(programs, version) {
  for (const directory of [...(process.env.PATH ?? '').split(delimiter), join(CACHE, 'bin')]) {
    for (const program of programs) {
      const path = join(directory, program);
      if (directory !== '' && isExecutable(path) && (await isNewEnough(path, version))) return true;
    }
  }
  return false;
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function isNewEnough(path, version) {
  if (version === undefined) return true;
  const { code, output } = await runCommand(path, version.args);
  const [, major, minor] = /v=(\d+)\.(\d+)/.exec(output) ?? [];
  if (code !== 0 || major === undefined) return false;
  const [leastMajor, leastMinor] = version.least;
  if (Number(major) > leastMajor || (Number(major) === leastMajor && Number(minor) >= leastMinor))
    return true;
  throw new SetupError(
    'providing redis',
    `Expected Redis ${version.least.join('.')} or newer; ${path} is ${major}.${minor}. Upgrade it, or take it off the PATH.`,
  );
}

async function has(command) {
  return (await runCommand('sh', ['-c', `command -v ${command}`])).code === 0;
}

/** Downloads the packages, with the dependencies that the system lacks, and extracts the programs. */
async function extractPackages(name, server) {
  const work = join(CACHE, `.work-${name}-${process.pid}`);
  rmSync(work, { recursive: true, force: true });
  for (const folder of ['lists/partial', 'archives/partial', 'debs', 'root']) {
    mkdirSync(join(work, folder), { recursive: true });
  }
  try {
    const apt = aptOptions(work);
    await mustRun(name, ['apt-get', ...apt, '-qq', 'update']);
    const packages = await namePackages(name, server.packages, apt);
    await mustRun(name, ['apt-get', ...apt, '-qq', 'download', ...packages], { cwd: join(work, 'debs') });
    for (const file of readdirSync(join(work, 'debs'))) {
      await mustRun(name, ['dpkg-deb', '-x', join(work, 'debs', file), join(work, 'root')]);
    }
    const root = join(CACHE, name);
    rmSync(root, { recursive: true, force: true });
    renameSync(join(work, 'root'), root);
    if (server.fixedFolder !== undefined) freeFromFolder(root, server);
    writeWrappers(root, server);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Our own lists and archives: those of the system are not touched, and its locks are not needed. */
function aptOptions(work) {
  const settings = {
    'Dir::State': work,
    'Dir::State::lists': join(work, 'lists'),
    'Dir::State::status': '/var/lib/dpkg/status',
    'Dir::Cache': work,
    'Dir::Cache::archives': join(work, 'archives'),
    'Debug::NoLocking': '1',
    'APT::Sandbox::User': '',
    'Acquire::Languages': 'none',
  };
  return Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
}

/** The packages themselves and the shared libraries that the system lacks, but no other dependencies. */
async function namePackages(name, wanted, apt) {
  const args = [...apt, '-s', 'install', '--no-install-recommends', ...wanted];
  const { code, output } = await runCommand('apt-get', args);
  if (code !== 0) throw failed(name, output);
  const named = [...output.matchAll(/^Inst (\S+)/gm)].map(([, each]) => each);
  return [...new Set([...wanted, ...named.filter((each) => /^lib(?!js-)|-tools$/.test(each))])];
}

/** The folder that a program was built for, as the program sees it after its wrapper has opened it. */
const OPENED_FOLDER = '/proc/self/fd/9';

/** Replaces the system folder that a program was built for by the one that the wrapper opens, a name of the same length. */
function freeFromFolder(root, { programs, fixedFolder }) {
  const paths = programs.flat().map((program) => join(root, 'usr/bin', program));
  for (const path of paths.filter(existsSync)) {
    const binary = readFileSync(path);
    for (let at = -1; (at = binary.indexOf(fixedFolder, at + 1)) !== -1;) {
      binary.write(OPENED_FOLDER.padEnd(fixedFolder.length, '/'), at);
    }
    writeFileSync(path, binary);
  }
}

/** A program in the cache is a script that sets the path of its libraries and runs it. */
function writeWrappers(root, { programs, fixedFolder, places = {} }) {
  const bin = join(CACHE, 'bin');
  mkdirSync(bin, { recursive: true });
  const libraries = ['usr/lib', 'lib']
    .map((folder) => join(root, folder))
    .flatMap((folder) => [folder, ...listFolders(folder), ...listFolders(folder).flatMap(listFolders)])
    .filter(holdsLibraries);
  const opening = fixedFolder === undefined ? '' : `exec 9<"${join(root, fixedFolder)}"\n`;
  for (const program of programs.flat()) {
    const path = join(root, places[program] ?? join('usr/bin', program));
    if (!existsSync(path)) continue;
    const wrapper = join(bin, program);
    const script = `#!/bin/sh\n${opening}LD_LIBRARY_PATH="${libraries.join(':')}\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" exec "${path}" "$@"\n`;
    writeFileSync(`${wrapper}.${process.pid}`, script);
    chmodSync(`${wrapper}.${process.pid}`, 0o755);
    renameSync(`${wrapper}.${process.pid}`, wrapper);
  }
}

function listFolders(directory) {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(directory, entry.name));
}

function holdsLibraries(directory) {
  return existsSync(directory) && readdirSync(directory).some((name) => /\.so(\.|$)/.test(name));
}

async function mustRun(name, [command, ...args], options) {
  const { code, output } = await runCommand(command, args, options);
  if (code !== 0) throw failed(name, output);
}

function failed(name, output) {
  const end = output.trim().split('\n').slice(-8).join('\n');
  return new SetupError(`providing ${name}`, `${end}\n\n${byHand(name).message}`);
}

function byHand(name) {
  const ways = SERVERS[name].byHand.map((way) => `  ${way}`).join('\n');
  const programs = SERVERS[name].programs.map((row) => row.join(' or ')).join(' and ');
  const missing = `Expected ${programs} on the PATH, or apt-get to take it from; there is neither.`;
  return new SetupError(`providing ${name}`, `${missing}\nInstall ${name} and try again:\n${ways}`);
}
