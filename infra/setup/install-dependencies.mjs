import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { providePnpm } from './provide-pnpm.mjs';
import { runCommand } from './run-command.mjs';
import { SetupError } from './setup-error.mjs';
import { showStep } from './show-step.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const STAMP = join(ROOT, 'node_modules', '.streamfold-setup');

/** Installs the packages of the lockfile with the pnpm that package.json names, if anything has changed since the last time. */
export async function installDependencies() {
  const stamp = digestManifests();
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === stamp) return;
  const { packageManager } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  await showStep('installing dependencies', async () => {
    const pnpm = await providePnpm(packageManager);
    const command = ['--yes', `--package=${pnpm}`, 'pnpm', 'install', '--frozen-lockfile'];
    const { code, output } = await runCommand('npx', command, { cwd: ROOT });
    if (code === 0) return;
    const offline = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ERR_PNPM_META_FETCH_FAIL/.test(output);
    const advice = offline
      ? 'The npm registry cannot be reached: is there a network, or a proxy that npm must know?'
      : `Try it by hand: npx ${command.join(' ')}`;
    throw new SetupError(
      'installing dependencies',
      `${output.trim().split('\n').slice(-15).join('\n')}\n\n${advice}`,
    );
  });
  writeFileSync(STAMP, stamp);
}

/** A digest of everything that determines what is installed. */
function digestManifests() {
  const members = ['packages', '.'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(folder, entry.name, 'package.json')),
  );
  const files = ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json', ...members];
  const hash = createHash('sha256').update(`${process.versions.modules} ${process.platform} ${process.arch}`);
  for (const file of files) {
    if (file.startsWith('node_modules') || !existsSync(join(ROOT, file))) continue;
    hash.update(file).update(readFileSync(join(ROOT, file)));
  }
  return hash.digest('hex');
}
