import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE } from './cache-folder.mjs';
import { SERVERS } from './servers.mjs';
import { SetupError } from './setup-error.mjs';

/**
 * The pinned packages of a server, each as `name=version`. Debian keeps only the newest version in a suite: if another one of
 * the same major version has replaced the pinned one, that is taken and reported. Apt checks its signature.
 *
 * @throws {SetupError} if the suite has no package of this major version.
 */
export async function choosePackages(name, archive) {
  const { suite, major, packages } = SERVERS[name];
  const chosen = [];
  for (const [each, { version }] of Object.entries(packages)) {
    const versions = await archive.listVersions(each);
    const found = versions.includes(version)
      ? version
      : versions.find((one) => one.replace(/^\d+:/, '').startsWith(major));
    if (found === undefined)
      throw new SetupError(
        `providing ${name}`,
        `Expected ${each} ${major}… in Debian ${suite}; it has ${versions.join(', ') || 'none'}. Correct the suite of ${name} in infra/setup/matrix-servers.mjs.`,
      );
    if (found !== version)
      console.log(
        `streamfold: Debian ${suite} has replaced ${each} ${version}, which infra/setup/matrix-servers.mjs names, by ${found}: taking that`,
      );
    chosen.push(`${each}=${found}`);
  }
  return chosen;
}

/** @throws {SetupError} if a package of the pinned version has another SHA-256. */
export function checkPackages(name, folder) {
  for (const [each, { version, sha256 }] of Object.entries(SERVERS[name].packages)) {
    // A file is named name_version_architecture.deb; a colon in the version is written %3a.
    const prefix = `${each}_${version.replace(':', '%3a')}_`;
    for (const file of readdirSync(folder).filter((one) => one.startsWith(prefix))) {
      const expected = sha256[/_([^_]+)\.deb$/.exec(file)?.[1]];
      const found = createHash('sha256')
        .update(readFileSync(join(folder, file)))
        .digest('hex');
      if (expected !== undefined && found !== expected)
        throw new SetupError(
          `providing ${name}`,
          `${file}: expected SHA-256 ${expected}, as infra/setup/matrix-servers.mjs says; got ${found}. It was not run.`,
        );
    }
  }
}

/** Whether the server in the cache was taken for the present pins. */
export function isPinned(name) {
  const file = pinFile(name);
  return existsSync(file) && readFileSync(file, 'utf8') === JSON.stringify(SERVERS[name]);
}

export function notePins(name) {
  writeFileSync(pinFile(name), JSON.stringify(SERVERS[name]));
}

function pinFile(name) {
  return join(CACHE, name, 'pins.json');
}
