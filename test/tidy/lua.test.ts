import test from 'ava';
import { filesMatching, findLines, readTracked } from './tracked-files.ts';

test('a Lua script says at its top what its keys, arguments, reply and cost are', (t) => {
  const scripts = filesMatching(/\.lua$/);
  t.true(scripts.length > 0);
  const incomplete = scripts.flatMap((path) => {
    const [header = ''] = /^(--.*\n)+/.exec(readTracked(path)) ?? [];
    const missing = ['KEYS', 'ARGV', 'Returns', 'Cost'].filter(
      (word) => !new RegExp(`^-- ${word}\\b`, 'm').test(header),
    );
    return missing.length === 0 ? [] : [`${path}: ${missing.join(', ')}`];
  });
  t.deepEqual(incomplete, []);
});

test('Lua is in .lua files only', (t) => {
  const code = filesMatching(/\.(ts|mjs|js)$/);
  t.deepEqual(
    code.flatMap((path) => findLines(path, /\bredis\.pcall\b|\b(?:KEYS|ARGV)\[\d/)),
    [],
  );
});
