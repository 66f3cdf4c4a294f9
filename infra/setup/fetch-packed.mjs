import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE } from './cache-folder.mjs';
import { runCommand } from './run-command.mjs';
import { SetupError } from './setup-error.mjs';

/**
 * A packed npm package with this SHA-512, as the path of a file in the cache. It is fetched with npm once, and checked each
 * time.
 *
 * @param pinnedIn the file that names the SHA-512.
 * @throws {SetupError} if it cannot be fetched, or is another one.
 */
export async function fetchPacked({ name, version, sha512, step, pinnedIn }) {
  const file = join(CACHE, `${name}-${version}.tgz`);
  if (existsSync(file) && digest(file) === sha512) return file;
  const packed = await pack({ name, version, step });
  const found = digest(packed.file);
  if (found === sha512) renameSync(packed.file, file);
  rmSync(packed.folder, { recursive: true });
  if (found !== sha512) {
    throw new SetupError(
      step,
      `${name} ${version}: expected a package with SHA-512 ${sha512}, as ${pinnedIn} says; got ${found}. It was not run.`,
    );
  }
  return file;
}

async function pack({ name, version, step }) {
  mkdirSync(CACHE, { recursive: true });
  const folder = mkdtempSync(join(CACHE, `${name}-`));
  const args = ['pack', `${name}@${version}`, '--pack-destination', folder, '--prefer-offline', '--silent'];
  const { code, output } = await runCommand('npm', args, { cwd: folder });
  const [packed] = readdirSync(folder);
  if (code === 0 && packed !== undefined) return { folder, file: join(folder, packed) };
  rmSync(folder, { recursive: true });
  throw new SetupError(
    step,
    `${output.trim()}\n\n${name} ${version} cannot be fetched: is there a network, or a proxy that npm must know?`,
  );
}

function digest(file) {
  return createHash('sha512').update(readFileSync(file)).digest('hex');
}
