// Packs all packages that users may install, into one folder: `npm run pack`. In the packed files `workspace:` versions are
// replaced by real ones, so that npm finds packages that need each other among these files.
//
//   node infra/pack.mjs [FOLDER]
//
// FOLDER: dist-packages if none is given. It is emptied first.
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { providePnpm } from './setup/provide-pnpm.mjs';
import { runCommand } from './setup/run-command.mjs';
import { showSlowStep, showStep } from './setup/show-step.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const folder = resolve(process.argv[2] ?? join(ROOT, 'dist-packages'));

const { packageManager } = readManifest('.');
const filters = readdirSync(join(ROOT, 'packages'))
  .filter((name) => readManifest(`packages/${name}`).private !== true)
  .map((name) => `--filter=./packages/${name}`);

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const pnpm = await showSlowStep('providing pnpm', () => providePnpm(packageManager));
const command = ['--yes', `--package=${pnpm}`, 'pnpm', ...filters, 'pack', `--pack-destination=${folder}`];
const shown = relative(process.cwd(), folder);
const { code, output } = await showStep(`packing ${filters.length} packages into ${shown}`, () =>
  runCommand('npx', command, { cwd: ROOT }),
);
if (code === 0) {
  for (const file of readdirSync(folder)) console.log(join(shown, file));
  console.log(`\nInstall them in your project with: npm install ${folder}/*.tgz`);
} else {
  console.error(
    `npx ${command.join(' ')}\n\n${output.trim()}\n\nexpected all packages to be packed; that failed`,
  );
  process.exitCode = 1;
}

function readManifest(path) {
  return JSON.parse(readFileSync(join(ROOT, path, 'package.json'), 'utf8'));
}
