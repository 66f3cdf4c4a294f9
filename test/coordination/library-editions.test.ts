import { readFileSync } from 'node:fs';
import { test } from '../harness/ava.ts';
import { LIBRARY } from '@streamfold/coordination';
import { EARLIER_LIBRARY } from './earlier-library.ts';

/**
 * Digest of the Lua by interface and build, oldest first. A new edition is a new line; the line of a released build is never
 * edited. Interface 1 gets no further edition.
 */
const EDITIONS = JSON.parse(
  readFileSync(new URL('../../coordination/library-editions.json', import.meta.url), 'utf8'),
) as Readonly<Record<string, Readonly<Record<string, string>>>>;

test('a change of the Lua raises the build, so that the later edition wins during a rolling upgrade', (t) => {
  const [, build, digest] = /return '(\d+) ([0-9a-f]{12})'/.exec(LIBRARY) ?? [];
  const [, ofInterface = ''] = /^#!lua name=streamfold_coordination_(\d+)$/m.exec(LIBRARY) ?? [];
  const editions = EDITIONS[ofInterface] ?? {};
  const builds = Object.keys(editions).map(Number);
  t.deepEqual(
    [build, digest],
    [String(builds.at(-1)), editions[String(builds.at(-1))]],
    'the Lua has changed: raise BUILD in function-library.ts and add a line to library-editions.json',
  );
  t.deepEqual(
    builds,
    builds.map((_, at) => at + 1),
  );
});

test('the copy of interface 1 is its last edition', (t) => {
  const [, build = '', digest] = /return '(\d+) ([0-9a-f]{12})'/.exec(EARLIER_LIBRARY) ?? [];
  t.is(EDITIONS['1']?.[build], digest);
  t.is(Object.keys(EDITIONS['1'] ?? {}).at(-1), build);
});
