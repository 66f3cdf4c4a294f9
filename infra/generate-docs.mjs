// Writes the reference pages, docs/reference/*, from the code: `npm run docs`.
//
//   node infra/generate-docs.mjs [--check]
//
// --check: writes nothing; exits with 1, and names the pages, if any differs from the generated one.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeConfigurationFile } from '@streamfold/core';
import { renderCommands } from './docs/render-commands.mjs';
import { renderConfiguration } from './docs/render-configuration.mjs';
import { renderDashboards } from './docs/render-dashboards.mjs';
import { renderEvents } from './docs/render-events.mjs';
import { renderHealth } from './docs/render-health.mjs';
import { renderMetrics } from './docs/render-metrics.mjs';
import { showAllHelp } from './docs/show-help.mjs';

const FOLDER = fileURLToPath(new URL('../docs/reference', import.meta.url));

const helps = await showAllHelp();
const pages = {
  'cli.md': renderCommands(helps),
  'configuration.md': renderConfiguration(helps),
  'dashboards.md': renderDashboards(),
  'events.md': renderEvents(),
  'health.md': renderHealth(),
  'metrics.md': renderMetrics(),
  'streamfold.config.schema.json': `${JSON.stringify(describeConfigurationFile(), null, 2)}\n`,
};

if (process.argv.includes('--check')) {
  const drifted = Object.entries(pages).filter(([name, page]) => comparable(read(name)) !== comparable(page));
  for (const [name] of drifted) console.error(`docs/reference/${name}: expected what npm run docs writes`);
  process.exitCode = drifted.length === 0 ? 0 : 1;
} else {
  mkdirSync(FOLDER, { recursive: true });
  for (const [name, page] of Object.entries(pages)) {
    writeFileSync(join(FOLDER, name), page);
    console.log(`docs/reference/${name}`);
  }
}

function read(name) {
  try {
    return readFileSync(join(FOLDER, name), 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return '';
    throw error;
  }
}

/** Without the process metrics that only Linux provides. */
function comparable(page) {
  return process.platform === 'linux' ? page : page.replace(/^\| `process_.*\n/gm, '');
}
