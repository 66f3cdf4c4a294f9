import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { test } from '../harness/ava.ts';
import { findFreePort } from '@streamfold/private-servers';
import { cleanEnvironment, PROGRAM } from '../harness/run-streamfold.ts';
import { startRedis } from '../harness/start-redis.ts';
import { startStreamfold, type RunningStreamfold } from '../harness/start-streamfold.ts';
import { waitUntilFolded } from '../harness/wait-until-folded.ts';
import { waitUntil } from '../harness/wait-until.ts';
import { readTracked } from '../tidy/tracked-files.ts';

const run = promisify(execFile);
const SERVE = 'npx streamfold serve';
const DEADLINE_MS = 90_000;

/** The blocks of code of a page, in order. */
function readBlocks(page: string): { language: string; text: string }[] {
  return [...page.matchAll(/^```(\w+)\n([\s\S]*?)\n```$/gm)].map(([, language = '', text = '']) => ({
    language,
    text,
  }));
}

/** Matches text as the page shows it; `…` stands for anything on a line. */
function patternOf(shown: string): RegExp {
  const escaped = shown.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`^${escaped.replaceAll('…', '.*')}\n$`);
}

test('the tutorial on custom metrics does what it says, command by command', async (t) => {
  const server = await startRedis();
  t.teardown(server.stop);
  const folder = mkdtempSync(join(tmpdir(), 'streamfold-tutorial-'));
  const npx = join(folder, 'npx');
  writeFileSync(npx, `#!/bin/sh\nshift\nexec '${process.execPath}' '${PROGRAM}' "$@"\n`);
  chmodSync(npx, 0o755);
  const port = await findFreePort();
  const own = { STREAMFOLD_REDIS_URL: server.url, STREAMFOLD_PORT: String(port) };
  const env = { ...cleanEnvironment(), ...own, PATH: `${folder}${delimiter}${process.env['PATH'] ?? ''}` };
  let aggregator: RunningStreamfold | undefined;
  let output = '';
  let shown = 0;
  t.teardown(() => aggregator?.kill('SIGKILL'));
  for (const { language, text } of readBlocks(readTracked('docs/tutorial-custom-metrics.md'))) {
    if (language === 'json') writeFileSync(join(folder, 'streamfold.config.json'), text);
    if (language === 'text') {
      t.regex(output, patternOf(text));
      shown++;
    }
    if (language !== 'sh') continue;
    if (text === SERVE) {
      aggregator?.kill('SIGINT');
      await aggregator?.ended;
      aggregator = startStreamfold(['serve'], { env: own, cwd: folder });
      await waitUntil('it is ready', () => isReady(port), DEADLINE_MS);
      continue;
    }
    const command = text.replaceAll(':3000', `:${port}`);
    ({ stdout: output } = await run('sh', ['-ec', command], { cwd: folder, env }));
    await waitUntilFolded(server.redis, { prefix: 'streamfold' });
  }
  t.is(shown, 4);
});

async function isReady(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/readyz`).then(
    ({ ok }) => ok,
    () => false,
  );
}
