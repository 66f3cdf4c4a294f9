import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import { join } from 'node:path';
import { test } from '../harness/ava.ts';

const ROOT = import.meta.resolve('../../../');
const PROVIDE = new URL('infra/setup/provide-servers.mjs', ROOT).href;

/** Provides a server on a machine that has nothing on its PATH, hence neither servers nor apt-get. */
async function provideOnBareMachine(name: string, cache: string): Promise<string> {
  const program = `
    import { provideServers } from ${JSON.stringify(PROVIDE)};
    await provideServers(${JSON.stringify(name)}).catch((error) => console.log(error.message));
  `;
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--input-type=module', '--eval', program],
      { env: { PATH: join(cache, 'nothing'), STREAMFOLD_CACHE: cache } },
      (_error, stdout, stderr) => resolve(`${stdout}${stderr}`),
    );
  });
}

const WAYS = {
  redis: [/Expected redis-server or valkey-server on the PATH/, /apt-get install redis-server/],
  prometheus: [/Expected prometheus and promtool on the PATH/, /apt-get install prometheus/],
  alertmanager: [
    /Expected alertmanager or prometheus-alertmanager and amtool on the PATH/,
    /apt-get install prometheus-alertmanager/,
  ],
  'victoria-metrics': [/Expected victoria-metrics or /, /apt-get install victoria-metrics/],
  chromium: [
    /Expected chromium or chromium-browser or google-chrome on the PATH/,
    /apt-get install chromium/,
  ],
};

for (const [name, ways] of Object.entries(WAYS)) {
  test(`if ${name} can neither be found nor provided, the set-up says how to install it`, async (t) => {
    const cache = await mkdtemp(join(tmpdir(), 'streamfold-cache-'));
    t.teardown(() => rm(cache, { recursive: true, force: true }));
    const said = await provideOnBareMachine(name, cache);
    for (const way of ways) t.regex(said, way);
  });
}

test('a pnpm with another hash than the one in package.json is not run', async (t) => {
  const cache = await mkdtemp(join(tmpdir(), 'streamfold-cache-'));
  t.teardown(() => rm(cache, { recursive: true, force: true }));
  const bin = join(cache, 'bin');
  await mkdir(bin);
  // An npm that delivers another package.
  await writeFile(
    join(bin, 'npm'),
    `#!${process.execPath}\nconst [, , , , , folder] = process.argv;\nrequire('node:fs').writeFileSync(folder + '/pnpm-9.9.9.tgz', 'forged');\n`,
  );
  await chmod(join(bin, 'npm'), 0o755);
  const module = new URL('infra/setup/provide-pnpm.mjs', ROOT).href;
  const program = `
    import { providePnpm } from ${JSON.stringify(module)};
    await providePnpm('pnpm@9.9.9+sha512.${'0'.repeat(128)}').catch((error) => console.log(error.message));
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
    env: { PATH: bin, STREAMFOLD_CACHE: cache },
  });
  t.regex(
    stdout,
    /^pnpm 9\.9\.9: expected a package with SHA-512 0{128}, as package\.json says; got [0-9a-f]{128}\. It was not run\.$/m,
  );
  t.deepEqual(await readdir(cache), ['bin']);
});

test('a server that was provided once is found again without a network', async (t) => {
  const cache = await mkdtemp(join(tmpdir(), 'streamfold-cache-'));
  t.teardown(() => rm(cache, { recursive: true, force: true }));
  await mkdir(join(cache, 'bin'));
  for (const program of ['prometheus-alertmanager', 'amtool']) {
    await writeFile(join(cache, 'bin', program), '#!/bin/sh\n');
    await chmod(join(cache, 'bin', program), 0o755);
  }
  t.is(await provideOnBareMachine('alertmanager', cache), '');
});
