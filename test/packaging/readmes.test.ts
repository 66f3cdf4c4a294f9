import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { test } from '../harness/ava.ts';
import { startRedis } from '../harness/start-redis.ts';
import { filesMatching, readTracked, TRACKED_FILES } from '../tidy/tracked-files.ts';

const run = promisify(execFile);
const { url, stop } = await startRedis();
test.after.always(stop);

const PUBLISHED = filesMatching(/^packages\/[^/]+\/package\.json$/)
  .map((path) => ({ folder: path.replace('/package.json', ''), manifest: readManifest(path) }))
  .filter(({ manifest }) => manifest.private !== true);
/** Programs that run until a signal, and a configuration file. */
const NOT_RUN = ['@streamfold/aggregator', 'streamfold'];

function readManifest(path: string): { readonly name: string; readonly private?: boolean } {
  return JSON.parse(readTracked(path)) as { name: string; private?: boolean };
}

test('every published package has a README whose links lead to pages of the repository', (t) => {
  t.true(PUBLISHED.length > 5);
  for (const { folder, manifest } of PUBLISHED) {
    const text = readTracked(`${folder}/README.md`);
    t.true(text.startsWith(`# ${manifest.name}\n`), folder);
    const linked = [...text.matchAll(/\/blob\/main\/([^)#]+)/g)].map(([, path = '']) => path);
    t.deepEqual(
      linked.filter((path) => !TRACKED_FILES.includes(path)),
      [],
      folder,
    );
  }
});

for (const { folder, manifest } of PUBLISHED) {
  test(`the code in the README of ${manifest.name} runs`, async (t) => {
    const [, code = ''] = /^```js\n([\s\S]*?)^```$/m.exec(readTracked(`${folder}/README.md`)) ?? [];
    t.true(code.includes(`from '${manifest.name}'`));
    const program = NOT_RUN.includes(manifest.name)
      ? (/^import .*$/m.exec(code)?.[0] ?? '')
      : code.replace('redis://127.0.0.1:6379', url);
    const { stderr } = await run(process.execPath, ['--input-type=module', '--eval', program], {
      cwd: import.meta.dirname,
    });
    t.is(stderr, '');
  });
}
