import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import { join } from 'node:path';
import { test } from '../harness/ava.ts';

const ROOT = import.meta.resolve('../../../');
const PROVIDE = new URL('infra/setup/provide-servers.mjs', ROOT).href;

interface Pins {
  choosePackages(
    name: string,
    archive: { listVersions(name: string): Promise<readonly string[]> },
  ): Promise<readonly string[]>;
  checkPackages(name: string, folder: string): void;
}

const { choosePackages, checkPackages } = (await import(
  new URL('infra/setup/pinned-packages.mjs', ROOT).href
)) as Pins;
const { MATRIX_SERVERS } = (await import(new URL('infra/setup/matrix-servers.mjs', ROOT).href)) as {
  MATRIX_SERVERS: Readonly<Record<string, { packages: Readonly<Record<string, { version: string }>> }>>;
};

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
  'valkey-9': [
    /Expected valkey-server-9 on the PATH/,
    /put its valkey-server on the PATH under the name valkey-server-9/,
  ],
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

function choose(...versions: string[]): Promise<readonly string[]> {
  return choosePackages('redis-8', { listVersions: () => Promise.resolve(versions) });
}

function bothIn(version: string): string[] {
  return [`redis-server=${version}`, `redis-tools=${version}`];
}

test('a server of the matrix is taken in its pinned version, or else in a newer one of the same major version', async (t) => {
  const pinned = MATRIX_SERVERS['redis-8']?.packages['redis-server']?.version ?? '';
  t.deepEqual(await choose('5:8.9.9-1', pinned), bothIn(pinned));
  t.deepEqual(await choose('5:8.9.9-1'), bothIn('5:8.9.9-1'));
  await t.throwsAsync(choose('5:9.0.0-1'), {
    message: /^Expected redis-server 8\.… in Debian \w+; it has 5:9\.0\.0-1\. Correct the suite of redis-8/,
  });
  await t.throwsAsync(choose(), { message: /it has none/ });
});

test('a package of a pinned version with another SHA-256 is not run', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'streamfold-debs-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const { version = '' } = MATRIX_SERVERS['redis-8']?.packages['redis-server'] ?? {};
  await writeFile(join(folder, `redis-server_${version.replace(':', '%3a')}_amd64.deb`), 'forged');
  t.throws(() => checkPackages('redis-8', folder), {
    message:
      /expected SHA-256 [0-9a-f]{64}, as infra\/setup\/matrix-servers\.mjs says; got [0-9a-f]{64}\. It was not run\.$/,
  });
});
