// Every check of the project that does not run it: format, lint, dead code, packages, types. One line for each check with
// its time; the output of a check is shown only if it fails.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from './setup/run-command.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

// Node.js requires ES modules from 20.19 on, the oldest version that the packages allow: test/packaging/packing.test.ts does it.
// The command-line program is not a module to import.
const ATTW_OPTIONS = [
  '--ignore-rules',
  'cjs-resolves-to-esm',
  '--exclude-entrypoints',
  './bin/streamfold.js',
];

const CHECKS = [
  { name: 'types', command: ['tsc', '-b'] },
  { name: 'format', command: ['prettier', '--check', '--log-level', 'warn', '.'], mend: 'npm run format' },
  { name: 'lint', command: ['oxlint', '--deny-warnings'] },
  { name: 'dead code', command: ['knip', '--no-progress', '--treat-config-hints-as-errors'] },
  ...readdirSync(join(ROOT, 'packages')).map((name) => ({
    name: `package ${name}`,
    command: ['publint', 'run', join('packages', name), '--strict', '--pack', 'npm'],
  })),
  ...readdirSync(join(ROOT, 'packages'))
    .filter((name) => !isPrivate(name))
    .map((name) => ({
      name: `types of ${name}`,
      command: ['attw', '--pack', join('packages', name), ...ATTW_OPTIONS],
    })),
];

function isPrivate(name) {
  return JSON.parse(readFileSync(join(ROOT, 'packages', name, 'package.json'), 'utf8')).private === true;
}

/** Runs one check, and prints its result. */
async function passes({ name, command: [program, ...args], mend }) {
  const startedMs = performance.now();
  const { code, output } = await runCommand(join(ROOT, 'node_modules', '.bin', program), args, { cwd: ROOT });
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
  console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${name.padEnd(24)}${seconds.padStart(5)} s`);
  if (code === 0) return true;
  console.log(`\n${[program, ...args].join(' ')}\n\n${output.trim()}\n`);
  if (mend !== undefined) console.log(`mend it with: ${mend}\n`);
  return false;
}

const failed = [];
for (const check of CHECKS) if (!(await passes(check))) failed.push(check.name);
if (failed.length > 0) {
  console.log(`expected all checks to pass; failed: ${failed.join(', ')}`);
  process.exitCode = 1;
}
