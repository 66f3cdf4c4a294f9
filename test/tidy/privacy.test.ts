import { test } from '../harness/ava.ts';
import { findLines, TRACKED_FILES } from './tracked-files.ts';

const TEXTS = TRACKED_FILES.filter((path) => !/\.(png|ico|gz|woff2?)$/.test(path));

test('no file names a folder of the machine it was written on', (t) => {
  const HOME = /(?<![\w.$})])\/(?:home|Users|work|root)\/[\w.-]/;
  t.deepEqual(
    TEXTS.flatMap((path) => findLines(path, HOME)),
    [],
  );
});

test('no file names the host of a package registry', (t) => {
  const REGISTRY = /https?:\/\/[^\s'"/]*(?:registry|artifactory|nexus|verdaccio|npmjs)|^\s*tarball:/;
  t.deepEqual(
    TEXTS.flatMap((path) => findLines(path, REGISTRY)),
    [],
  );
});
