// Writes the rule files and dashboards, alerts/ and dashboards/, from packages/mixin, and the configurations of Prometheus for
// infra/compose.yaml from the delivered one: `npm run mixin`.
//
//   node infra/generate-mixin.mjs [--check]
//
// --check: writes nothing; exits with 1, and names the files, if any differs from the generated one.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mixinFiles } from '@streamfold/mixin';
import { deriveConfigs } from './prometheus/derive-configs.mjs';

const ROOT = new URL('../', import.meta.url);

const files = new Map([...mixinFiles(), ...deriveConfigs()]);

if (process.argv.includes('--check')) {
  const drifted = [...files].filter(([path, text]) => read(path) !== text);
  for (const [path] of drifted) console.error(`${path}: expected what npm run mixin writes`);
  process.exitCode = drifted.length === 0 ? 0 : 1;
} else {
  for (const [path, text] of files) {
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
