import { posix } from 'node:path';
import { test } from '../harness/ava.ts';
import { readTracked } from './tracked-files.ts';

const PAGE = 'docs/failure-modes.md';

test('each row of the failure modes names tests, and every named test exists', (t) => {
  const rows = readTracked(PAGE)
    .split('\n')
    .filter((line) => line.startsWith('|') && !/^\|( what fails |---)/.test(line));
  t.true(rows.length > 20);
  const wrong = rows.flatMap((row) => {
    const named = [...row.matchAll(/\[([^\]]+)\]\((\.\.\/test\/[^)]+)\)/g)];
    if (named.length === 0) return [`no test: ${row}`];
    return named
      .filter(([, title = '', path = '']) => !readTracked(posix.join('docs', path)).includes(title))
      .map(([, title = '', path = '']) => `${path}: ${title}`);
  });
  t.deepEqual(wrong, []);
});
