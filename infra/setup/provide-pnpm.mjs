import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE } from './cache-folder.mjs';
import { runCommand } from './run-command.mjs';
import { SetupError } from './setup-error.mjs';

const STEP = 'installing dependencies';
const PATTERN = /^pnpm@(\d+\.\d+\.\d+)\+sha512\.([0-9a-f]{128})$/;

/**
 * The packed pnpm that `packageManager` of package.json names, as the path of a file with the SHA-512 given there. It is
 * fetched with npm once, and checked each time.
 *
 * @throws {SetupError} if it cannot be fetched, or is another one.
 */
export async function providePnpm(packageManager) {
  const [, version, expected] = PATTERN.exec(packageManager) ?? [];
  if (expected === undefined)
    throw new SetupError(
      STEP,
      `package.json: expected packageManager pnpm@x.y.z+sha512.<hex>; got ${packageManager}`,
    );
  const file = join(CACHE, `pnpm-${version}.tgz`);
  if (existsSync(file) && digest(file) === expected) return file;
  const packed = await fetchPnpm(version);
  const found = digest(packed.file);
  if (found === expected) renameSync(packed.file, file);
  rmSync(packed.folder, { recursive: true });
  if (found !== expected) {
    throw new SetupError(
      STEP,
      `pnpm ${version}: expected a package with SHA-512 ${expected}, as package.json says; got ${found}. It was not run.`,
    );
  }
  return file;
}

async function fetchPnpm(version) {
  mkdirSync(CACHE, { recursive: true });
  const folder = mkdtempSync(join(CACHE, 'pnpm-'));
  const args = ['pack', `pnpm@${version}`, '--pack-destination', folder, '--prefer-offline', '--silent'];
  const { code, output } = await runCommand('npm', args, { cwd: folder });
  const [name] = readdirSync(folder);
  if (code === 0 && name !== undefined) return { folder, file: join(folder, name) };
  rmSync(folder, { recursive: true });
  throw new SetupError(
    STEP,
    `${output.trim()}\n\npnpm ${version} cannot be fetched: is there a network, or a proxy that npm must know?`,
  );
}

function digest(file) {
  return createHash('sha512').update(readFileSync(file)).digest('hex');
}
