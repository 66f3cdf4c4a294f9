import { posix } from 'node:path';
import { test } from '../harness/ava.ts';
import { filesMatching, readTracked } from './tracked-files.ts';

const AGGREGATOR = 'packages/aggregator/src';

/** The folders of the aggregator that a folder may import from, as in docs/ARCHITECTURE.md. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  run: [],
  state: [],
  fold: ['run', 'state'],
  view: ['run', 'state'],
  upkeep: ['run', 'state', 'fold'],
  replay: ['state', 'fold', 'view'],
  http: ['run', 'state', 'view'],
};

const FILES = filesMatching(new RegExp(`^${AGGREGATOR}/[^/]+/[^/]+\\.ts$`));

for (const folder of new Set(FILES.map((path) => posix.basename(posix.dirname(path))))) {
  test(`the aggregator's folder ${folder} imports only from the folders below it`, (t) => {
    const allowed = ARROWS[folder];
    t.truthy(allowed, `expected a row for ${folder}, here and in docs/ARCHITECTURE.md`);
    const wrong = FILES.filter((path) => posix.dirname(path) === `${AGGREGATOR}/${folder}`).flatMap((path) =>
      [...readTracked(path).matchAll(/'\.\.\/([^/']+)\/[^']+\.ts'/g)]
        .map(([, other = '']) => other)
        .filter((other) => allowed?.includes(other) !== true)
        .map((other) => `${path} imports from ${other}`),
    );
    t.deepEqual(wrong, []);
  });
}

test('only the wiring of the aggregator, its options and its two indexes are outside its folders', (t) => {
  const loose = filesMatching(new RegExp(`^${AGGREGATOR}/[^/]+\\.ts$`)).map((path) => posix.basename(path));
  t.deepEqual(loose, [
    'aggregator-options.ts',
    'index.ts',
    'mount-metrics.ts',
    'round-trips.ts',
    'run-aggregator.ts',
  ]);
});
