import { test } from '../harness/ava.ts';
import { stripComments } from './strip-comments.ts';
import { filesMatching, findLines, readTracked } from './tracked-files.ts';

const LONGEST_LINES = 300;
/** Configuration files that need a default export. */
const CONFIGURATION = /(^|\/)[a-z]+\.config\.(js|ts|mjs)$/;

test('no source file of a package is longer than 300 lines', (t) => {
  const long = filesMatching(/^packages\/[^/]+\/src\/.*\.ts$/)
    .map((path) => ({ path, lines: readTracked(path).trimEnd().split('\n').length }))
    .filter(({ lines }) => lines > LONGEST_LINES);
  t.deepEqual(long, []);
});

test('only configuration files have a default export', (t) => {
  const code = filesMatching(/\.(ts|mjs|js)$/).filter((path) => !CONFIGURATION.test(path));
  t.deepEqual(
    code.flatMap((path) => findLines(path, /^export default|^export \{[^}]*\bas default\b/)),
    [],
  );
});

test("a package's index.ts holds named re-exports only", (t) => {
  const REEXPORTS = /^(\s*export (type )?\{[^}]*\} from '[^']+';)+\s*$/;
  const indexes = filesMatching(/^packages\/[^/]+\/src\/index\.ts$/);
  t.true(indexes.length > 0);
  t.deepEqual(
    indexes.filter((path) => !REEXPORTS.test(stripComments(readTracked(path)))),
    [],
  );
});

test('every package has an index.ts, and no folder inside a package has one', (t) => {
  const indexes = filesMatching(/(^|\/)index\.ts$/);
  const packages = filesMatching(/^packages\/[^/]+\/package\.json$/);
  t.deepEqual(
    indexes,
    packages.map((path) => path.replace(/package\.json$/, 'src/index.ts')),
  );
});

test('the formatter checks all sources: it ignores folders of the root by their path, and elsewhere only build output', (t) => {
  const folders = readTracked('.prettierignore')
    .split('\n')
    .filter((line) => line.endsWith('/') && !line.startsWith('/'));
  t.deepEqual(folders, ['dist/', 'dist-packages/', 'node_modules/']);
});

test('every npm script sets up the checkout first, so that it runs in a fresh clone', (t) => {
  const { scripts } = JSON.parse(readTracked('package.json')) as { scripts: Record<string, string> };
  const names = Object.keys(scripts).filter((name) => !(name.startsWith('pre') && name.slice(3) in scripts));
  t.true(names.length > 8);
  for (const name of names) t.regex(scripts[`pre${name}`] ?? '', /^node infra\/setup\.mjs\b/, name);
});
