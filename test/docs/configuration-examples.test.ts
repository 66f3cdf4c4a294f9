import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from '../harness/ava.ts';
import { runPromtool } from '../harness/run-promtool.ts';
import { readTracked } from '../tidy/tracked-files.ts';

const PAGES = ['README.md', 'docs/advanced.md'];

test('promtool accepts every Prometheus configuration and rule file shown in the docs', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'streamfold-examples-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  const examples = PAGES.flatMap((page) =>
    [...readTracked(page).matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, yaml = '']) => ({ page, yaml })),
  );
  t.true(examples.length >= 7);
  for (const [number, { page, yaml }] of examples.entries()) {
    const file = join(directory, `${number}.yml`);
    // An indented piece belongs to a scrape job.
    await writeFile(file, yaml.startsWith(' ') ? `scrape_configs:\n  - job_name: example\n${yaml}` : yaml);
    const check = yaml.startsWith('groups:') ? ['rules'] : ['config', '--syntax-only'];
    const { code, lines } = await runPromtool(['check', ...check, file]);
    t.is(code, 0, `${page}: ${lines.join('\n')}`);
  }
});
