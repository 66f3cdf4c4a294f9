import { test } from '../harness/ava.ts';
import { filesMatching, readTracked } from '../tidy/tracked-files.ts';

/** Messages of Redis. */
const NOT_OURS = new Set(['NOPERM']);

const SOURCES = filesMatching(/^(packages\/[^/]+\/(src|lua)|infra)\/.*\.(ts|lua|mjs)$/).map(readTracked);

test('every message that troubleshooting quotes is one that the program prints', (t) => {
  const quoting = readTracked('docs/troubleshooting.md')
    .split('\n## ')
    .filter((section) => /^(An aggregator does not start|The scrape answers 503)\n/.test(section));
  t.is(quoting.length, 2);
  const quoted = quoting
    .flatMap((section) => [...section.matchAll(/^\| [^`|]*`([^`]+)`/gm)].map(([, text = '']) => text))
    .filter((text) => !NOT_OURS.has(text))
    .map((text) => text.replace(/^# /, ''));
  t.true(quoted.length >= 7, quoted.join('\n'));
  // `…` stands for text that varies.
  const parts = quoted.flatMap((text) => text.split('…').map((part) => part.trim()));
  t.deepEqual(
    parts.filter((part) => !SOURCES.some((source) => source.includes(part))),
    [],
  );
});
