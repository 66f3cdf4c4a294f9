import { test } from '../harness/ava.ts';
import { filesMatching, findLines, readTracked } from './tracked-files.ts';

const TESTS = filesMatching(/^test\/.*\.test\.ts$/);

test('no test is skipped, exclusive, expected to fail or a to-do', (t) => {
  const SHY = /\b(?:test|serial|it|describe)\.(?:skip|only|failing|todo)\b/;
  t.deepEqual(
    TESTS.flatMap((path) => findLines(path, SHY)),
    [],
  );
});

test('no test waits for a fixed time', (t) => {
  const SLEEP = /\b(?:sleep|pause|delay|setTimeout)\(\s*[\d_]+|\bsetTimeout\((?:resolve|done|r)\b/;
  t.deepEqual(
    TESTS.flatMap((path) => findLines(path, SLEEP)),
    [],
  );
});

test('a title is a promise: it does not begin with "should", "test" or "works"', (t) => {
  const TITLE = /^\s*test(?:\.\w+)*\(\s*['"`](?:should|tests?|works|check)\b/i;
  t.deepEqual(
    TESTS.flatMap((path) => findLines(path, TITLE)),
    [],
  );
});

test('every test file has a test', (t) => {
  t.deepEqual(
    TESTS.filter((path) => !/\btest(WithClock)?(\.\w+)*\(/.test(readTracked(path))),
    [],
  );
});

test('every folder with tests has a suite, so that `npm test` runs them', (t) => {
  const folders = new Set(TESTS.map((path) => path.slice(0, path.lastIndexOf('/'))));
  const suites = new Set(
    filesMatching(/^test\/\w+\/suite\.ts$/).map((path) => path.slice(0, path.lastIndexOf('/'))),
  );
  t.deepEqual(
    [...folders].filter((folder) => !suites.has(folder)),
    [],
  );
});

test('every test whose load is larger in the soak test is named in its configuration', (t) => {
  const named = readTracked('soak.config.js');
  t.deepEqual(
    TESTS.filter((path) => /\bamount\(\{/.test(readTracked(path)) && !named.includes(`'${path}'`)),
    [],
  );
});

test('every test declares itself through the harness, so that the files of a suite can share a worker', (t) => {
  t.deepEqual(
    filesMatching(/^test\/.*\.ts$/)
      .filter((path) => path !== 'test/harness/ava.ts')
      .flatMap((path) => findLines(path, /^import .* from 'ava'/)),
    [],
  );
});
