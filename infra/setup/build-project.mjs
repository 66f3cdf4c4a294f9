import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from './run-command.mjs';
import { SetupError } from './setup-error.mjs';
import { showSlowStep } from './show-step.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Compiles changed sources, and removes the output of deleted ones. */
export async function buildProject() {
  dropOrphans(join(ROOT, 'test'), join(ROOT, 'test', 'dist'));
  const tsc = join(ROOT, 'node_modules', '.bin', 'tsc');
  const { code, output } = await showSlowStep('compiling', () => runCommand(tsc, ['-b'], { cwd: ROOT }));
  if (code !== 0) throw new SetupError('compiling', output.trim());
}

/** A deleted test must no longer run. */
function dropOrphans(source, output) {
  if (!existsSync(output)) return;
  for (const entry of readdirSync(output, { withFileTypes: true })) {
    const path = join(output, entry.name);
    if (entry.isDirectory()) dropOrphans(join(source, entry.name), path);
    else if (entry.name.endsWith('.js') && !existsSync(join(source, entry.name.replace(/\.js$/, '.ts'))))
      rmSync(path);
  }
}
