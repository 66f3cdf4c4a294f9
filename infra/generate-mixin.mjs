// Writes the rule files and dashboards, alerts/ and dashboards/, from packages/mixin: `npm run mixin`.
//
//   node infra/generate-mixin.mjs [--check]
//
// --check: writes nothing; exit code 1, and the names of the files, where what is there is not what would be written.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mixinFiles } from '@streamfold/mixin';

const ROOT = new URL('../', import.meta.url);

if (process.argv.includes('--check')) {
  const drifted = [...mixinFiles()].filter(([path, text]) => read(path) !== text);
  for (const [path] of drifted) console.error(`${path}: expected what npm run mixin writes`);
  process.exitCode = drifted.length === 0 ? 0 : 1;
} else {
  for (const [path, text] of mixinFiles()) {
    const file = fileURLToPath(new URL(path, ROOT));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    console.log(path);
  }
}

function read(path) {
  try {
    return readFileSync(new URL(path, ROOT), 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return '';
    throw error;
  }
}
