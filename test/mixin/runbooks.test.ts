import { test } from '../harness/ava.ts';
import { alertNames, ruleFiles } from '@streamfold/mixin';
import { filesMatching, readTracked } from '../tidy/tracked-files.ts';

const PAGES = filesMatching(/^docs\/runbooks\/(?!README\.md$)/);

test('each alert has its runbook, and each runbook its alert', (t) => {
  t.deepEqual(
    PAGES.toSorted(),
    alertNames()
      .map((name) => `docs/runbooks/${name}.md`)
      .toSorted(),
  );
});

test('each alert leads to its runbook', (t) => {
  const rules = [...ruleFiles().values()].join('\n');
  const linked = [...rules.matchAll(/alert: (\w+)\n[\s\S]*?runbook_url: \S*\/blob\/main\/(\S+)$/gm)];
  t.true(linked.length >= PAGES.length);
  for (const [, alert, path] of linked) t.is(path, `docs/runbooks/${alert}.md`);
});

test('a runbook has meaning, impact, diagnosis and action, with queries', (t) => {
  for (const page of PAGES) {
    const text = readTracked(page);
    t.deepEqual(
      text.match(/^#+ .*$/gm)?.map((heading) => heading.replace(/^#+ /, '')),
      [page.replace(/.*\/(.*)\.md$/, '$1'), 'Meaning', 'Impact', 'Diagnosis', 'Action'],
    );
    const [, diagnosis = ''] = text.split('## Diagnosis');
    t.regex(diagnosis, /^```promql/m, page);
  }
});

test('every alert is a row of the index, with its severity', (t) => {
  const index = readTracked('docs/runbooks/README.md');
  const rules = [...ruleFiles().values()].join('\n');
  for (const name of alertNames()) {
    const [, listed = ''] =
      new RegExp(`^\\| \\[${name}\\]\\(${name}\\.md\\) \\| ([^|]*) \\|`, 'm').exec(index) ?? [];
    const severities = [...rules.matchAll(new RegExp(`alert: ${name}\\n[\\s\\S]*?severity: (\\w+)`, 'g'))];
    t.deepEqual(
      listed.split(', '),
      severities.map(([, severity]) => severity),
      name,
    );
  }
});

test('every streamfold command of a runbook exists', (t) => {
  const commands = new Set(
    [...readTracked('docs/reference/cli.md').matchAll(/^## `streamfold ([a-z-]+)`/gm)].map(
      ([, command]) => command,
    ),
  );
  const called = PAGES.flatMap((page) =>
    [...readTracked(page).matchAll(/npx streamfold ([a-z-]+)/g)].map(([, command]) => command),
  );
  t.true(called.length > 5);
  t.deepEqual(
    called.filter((command) => !commands.has(command)),
    [],
  );
});
