import { test } from '../harness/ava.ts';
import { stripComments } from './strip-comments.ts';
import { filesMatching, readTracked } from './tracked-files.ts';

const SOURCES = filesMatching(/^packages\/core\/src\/.*\.ts$/);

/** A clock, randomness, the process, timers and I/O: the core takes all of these as arguments. */
const IMPURE =
  /\bnew Date\b|\b(Date|process|performance|globalThis|crypto|console|Buffer)\s*[.([]|\bMath\.random\b|\b(setTimeout|setInterval|setImmediate|queueMicrotask|fetch|require)\s*\(/;

test('the core imports nothing but zod and its own files', (t) => {
  t.true(SOURCES.length > 0);
  const imported = SOURCES.flatMap((path) =>
    [...readTracked(path).matchAll(/(?:\bfrom\s+|\bimport\s*\(?\s*)'([^']+)'/g)].map(
      ([, specifier]) => specifier ?? '',
    ),
  );
  t.deepEqual(
    [...new Set(imported)].filter((specifier) => !specifier.startsWith('./') && !specifier.startsWith('../')),
    ['zod'],
  );
});

test('the core knows no clock, no randomness, no process, no timers and no I/O', (t) => {
  const impure = SOURCES.flatMap((path) => {
    const found = IMPURE.exec(stripComments(readTracked(path)));
    return found === null ? [] : [`${path}: ${found[0]}`];
  });
  t.deepEqual(impure, []);
});
