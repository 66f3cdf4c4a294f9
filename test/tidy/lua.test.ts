import { test } from '../harness/ava.ts';
import { filesMatching, findLines, readTracked } from './tracked-files.ts';

/** Lua that is not called from outside, and why. */
const NO_SCRIPTS: ReadonlySet<string> = new Set([
  // Shared by the functions of the library, which is assembled from the files beside them.
  'packages/coordination/lua/prelude.lua',
  'packages/coordination/lua/step.lua',
  'packages/coordination/lua/signals.lua',
  'packages/coordination/lua/inboxes.lua',
  'packages/coordination/lua/set-aside.lua',
  'packages/coordination/lua/waits.lua',
  // Loaded with scripts.
  'packages/redis/lua/stream.lua',
  'packages/aggregator/lua/delta-log.lua',
  'packages/aggregator/lua/counters.lua',
  'packages/archive/lua/entry-age.lua',
]);

test('a Lua script documents its keys, arguments, reply and cost at its top', (t) => {
  const scripts = filesMatching(/\.lua$/).filter((path) => !NO_SCRIPTS.has(path));
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
