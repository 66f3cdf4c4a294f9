import { test } from '../harness/ava.ts';
import { mixinFiles } from '@streamfold/mixin';
import { filesMatching, readTracked, TRACKED_FILES } from '../tidy/tracked-files.ts';

test('the rule files and dashboards are exactly those that `npm run mixin` writes', (t) => {
  const files = mixinFiles();
  t.true(files.size > 0);
  const drifted = [...files].filter(
    ([path, text]) => !TRACKED_FILES.includes(path) || readTracked(path) !== text,
  );
  t.deepEqual(
    drifted.map(([path]) => path),
    [],
  );
  t.deepEqual(
    filesMatching(/^(alerts|dashboards)\//).filter((path) => !files.has(path)),
    [],
  );
});
