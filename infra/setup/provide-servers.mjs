import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { AptError, openAptArchive } from './apt-archive.mjs';
import { CACHE } from './cache-folder.mjs';
import { findProgram } from './find-program.mjs';
import { checkPackages, choosePackages, isPinned, notePins } from './pinned-packages.mjs';
import { runCommand } from './run-command.mjs';
import { SERVERS } from './servers.mjs';
import { SetupError } from './setup-error.mjs';
import { showStep } from './show-step.mjs';
import { freeFromFolder, writeWrappers } from './write-wrappers.mjs';

/**
 * Makes sure that the programs are on the PATH or in the cache. If they are not, they are extracted from the
 * distribution's packages into the cache: without root, and without installing anything into the system.
 */
export async function provideServers(name) {
  const server = SERVERS[name];
  if (server === undefined) {
    const known = Object.keys(SERVERS).join(', ');
    throw new SetupError('providing servers', `Expected names out of ${known}; got ${name}.`);
  }
  const missing = [];
  for (const programs of server.programs)
    if ((await findProgram(programs, (path) => isUsable(path, name, server))) === undefined)
      missing.push(programs);
  if (missing.length === 0) return;
  await showStep(`providing ${name}`, async () => {
    if (process.platform !== 'linux' || !(await has('apt-get')) || !(await has('dpkg-deb')))
      throw byHand(name);
    try {
      await extractPackages(name, server);
    } catch (error) {
      throw error instanceof AptError ? failed(name, error.message) : error;
    }
  });
}

/** A program of the user is taken as it is, if its version is high enough; one in the cache must be the pinned one. */
async function isUsable(path, name, { version, suite }) {
  if (suite !== undefined) return !path.startsWith(CACHE) || isPinned(name);
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
  mkdirSync(join(work, 'root'), { recursive: true });
  try {
    const archive = await openAptArchive(work, server.suite);
    const wanted = server.suite === undefined ? server.packages : await choosePackages(name, archive);
    const folder = await archive.download(await addLibraries(wanted, archive));
    if (server.suite !== undefined) checkPackages(name, folder);
    for (const file of readdirSync(folder)) {
      const { code, output } = await runCommand('dpkg-deb', ['-x', join(folder, file), join(work, 'root')]);
      if (code !== 0) throw failed(name, output);
    }
    const root = join(CACHE, name);
    rmSync(root, { recursive: true, force: true });
    renameSync(join(work, 'root'), root);
    if (server.fixedFolder !== undefined) freeFromFolder(root, server);
    writeWrappers(root, server);
    if (server.suite !== undefined) notePins(name);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The packages themselves and the shared libraries that are not installed, but no other dependencies. */
async function addLibraries(wanted, archive) {
  const names = new Set(wanted.map((each) => each.replace(/=.*/, '')));
  const installed = await archive.listInstalled(wanted);
  const libraries = installed.filter((each) => /^lib(?!js-)|^zlib1g$|-tools$/.test(each));
  return [...wanted, ...libraries.filter((each) => !names.has(each))];
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
