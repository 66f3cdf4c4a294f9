import { test } from '../harness/ava.ts';
import { filesMatching, findLines, readTracked } from './tracked-files.ts';

/** Lua that is not called from outside, and why. */
const NO_SCRIPTS: ReadonlySet<string> = new Set([
  // Shared by the functions of the library, which is assembled from the files beside them.
  'packages/coordination/lua/declared-keys.lua',
  'packages/coordination/lua/prelude.lua',
  'packages/coordination/lua/step.lua',
  'packages/coordination/lua/signals.lua',
  'packages/coordination/lua/inboxes.lua',
  'packages/coordination/lua/set-aside.lua',
  'packages/coordination/lua/waits.lua',
  // A copy of the functions of interface 1, for tests of rolling upgrades.
  'test/coordination/golden/interface-1.lua',
  // Loaded with scripts.
  'packages/redis/lua/stream.lua',
  'packages/aggregator/lua/delta-log.lua',
  'packages/aggregator/lua/counters.lua',
  'packages/aggregator/lua/committed-runs.lua',
  'packages/aggregator/lua/commit.lua',
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

test('no Lua function is written twice', (t) => {
  const functions = filesMatching(/^packages\/[^/]+\/lua\/[^/]+\.lua$/).flatMap(listFunctions);
  t.true(functions.length > 100);
  t.deepEqual(listRepeated(functions, 'name'), [], 'two functions have the same name');
  t.deepEqual(listRepeated(functions, 'body'), [], 'two functions do the same; put it into a shared file');
});

test('the Lua of stream.lua reads the clock of Redis, and no script reads it by itself', (t) => {
  const scripts = filesMatching(/^packages\/[^/]+\/lua\/[^/]+\.lua$/).filter((path) => !NO_SCRIPTS.has(path));
  t.deepEqual(
    scripts.flatMap((path) => findLines(path, /'TIME'/)),
    [],
  );
});

interface LuaFunction {
  readonly path: string;
  readonly name: string;
  /** Without comments, white space and the names of its parameters. */
  readonly body: string;
}

/** The functions of a file. The `end` of each has the indentation of its beginning, or is on the same line. */
function listFunctions(path: string): LuaFunction[] {
  const code = readTracked(path).replace(/--.*$/gm, '');
  const pattern = /^( *)local function (\w+)\(([^)]*)\)(.* end$|[^]*?\n\1end$)/gm;
  return [...code.matchAll(pattern)].map(([, , name = '', parameters = '', text = '']) => {
    const names = parameters.split(',').map((each) => each.trim());
    const renamed = text.replace(/(?<!\.)\b[a-z_]\w*\b/g, (word) =>
      names.includes(word) ? `$${names.indexOf(word)}` : word,
    );
    return { path, name, body: renamed.replace(/\s+/g, ' ') };
  });
}

/** Functions that have the same name or body as an earlier one. */
function listRepeated(functions: readonly LuaFunction[], by: 'name' | 'body'): string[] {
  const first = new Map<string, LuaFunction>();
  return functions.flatMap((each) => {
    const earlier = first.get(each[by]);
    first.set(each[by], earlier ?? each);
    return earlier === undefined
      ? []
      : [`${each.name} of ${each.path} is ${earlier.name} of ${earlier.path}`];
  });
}
