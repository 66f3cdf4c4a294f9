import { readFileSync } from 'node:fs';
import { test } from '../harness/ava.ts';
import { LIBRARY } from '@streamfold/coordination';

/** Digest of the Lua by build, oldest first. A new edition is a new line; the line of a released build is never edited. */
const EDITIONS = JSON.parse(
  readFileSync(new URL('../../coordination/library-editions.json', import.meta.url), 'utf8'),
) as Readonly<Record<string, string>>;

test('a change of the Lua raises the build, so that the later edition wins during a rolling upgrade', (t) => {
  const [, build, digest] = /return '(\d+) ([0-9a-f]{12})'/.exec(LIBRARY) ?? [];
  const builds = Object.keys(EDITIONS).map(Number);
  t.deepEqual(
    [build, digest],
    [String(builds.at(-1)), EDITIONS[String(builds.at(-1))]],
    'the Lua has changed: raise BUILD in function-library.ts and add a line to library-editions.json',
  );
  t.deepEqual(
    builds,
    builds.map((_, at) => at + 1),
  );
});
