import { spawnSync } from 'node:child_process';
import { test } from '../harness/ava.ts';
import { SETTINGS } from 'streamfold';
import { z } from 'zod';
import { startServe } from '../harness/run-streamfold.ts';
import { startRedis } from '../harness/start-redis.ts';
import { readTracked, TRACKED_FILES, TRACKED_FOLDERS } from '../tidy/tracked-files.ts';

const lines = readTracked('Dockerfile')
  .replace(/\\\n\s*/g, '')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));

/** The arguments of every occurrence of an instruction. */
function list(instruction: string): string[] {
  return lines
    .filter((line) => line.startsWith(`${instruction} `))
    .map((line) => line.slice(instruction.length + 1));
}

test('the sources of the image are in the repository, and reach the build', (t) => {
  const copied = list('COPY')
    .filter((line) => !line.startsWith('--from'))
    .flatMap((line) => line.split(' ').slice(0, -1));
  const ignored = readTracked('.dockerignore').split('\n');
  t.true(copied.length >= 4);
  t.deepEqual(
    copied.filter((path) => !TRACKED_FILES.includes(path) && !TRACKED_FOLDERS.has(path)),
    [],
  );
  t.true(ignored.includes('*'));
  t.deepEqual(
    copied.filter((path) => !ignored.includes(`!${path}`)),
    [],
  );
});

test('it is built with the pnpm of the workspace, on a supported Node, from images with a version', (t) => {
  const { packageManager } = z
    .object({ packageManager: z.string() })
    .parse(JSON.parse(readTracked('package.json')));
  const [pnpm = ''] = packageManager.split('+');
  const used = readTracked('Dockerfile').match(/pnpm@[\d.]+/g) ?? [];
  t.true(used.length > 0);
  t.deepEqual(
    used.filter((each) => each !== pnpm),
    [],
  );
  const images = list('FROM').map((line) => /^node:(\d+)\.\d+\.\d+-\S+/.exec(line)?.[1]);
  t.is(images.length, 2);
  t.true(
    images.every((major) => Number(major) >= 20),
    images.join(),
  );
});

test('it runs as an unprivileged user, and listens on the default address and port', (t) => {
  t.deepEqual(list('USER'), ['node']);
  t.deepEqual(list('EXPOSE'), [String(SETTINGS.port.byDefault)]);
  const variables = new Set(Object.values(SETTINGS).map(({ variable }): string => variable));
  const set = list('ENV').flatMap((line) => [...line.matchAll(/(STREAMFOLD_\w+)=(\S+)/g)]);
  t.deepEqual(
    set.map(([, name, value]) => [name, value]),
    [
      ['STREAMFOLD_HOST', '0.0.0.0'],
      ['STREAMFOLD_PORT', String(SETTINGS.port.byDefault)],
    ],
  );
  t.true(set.every(([, name = '']) => variables.has(name)));
});

test('its health check passes for a live aggregator, and fails without one', async (t) => {
  const [check = ''] = lines.flatMap((line) => /^HEALTHCHECK .*? CMD (\[.*\])$/.exec(line)?.[1] ?? []);
  const [program = '', ...args] = z.array(z.string()).parse(JSON.parse(check));
  t.is(program, 'node');
  const server = await startRedis();
  t.teardown(() => server.stop());
  const aggregator = await startServe(server.url);
  t.teardown(() => aggregator.kill('SIGKILL'));
  const { port } = new URL(aggregator.url);
  t.is(runNode(args, port), 0);
  t.is(await aggregator.kill('SIGTERM'), 0);
  t.is(runNode(args, port), 1);
});

function runNode(args: readonly string[], port: string): number | null {
  return spawnSync(process.execPath, args, { env: { ...process.env, STREAMFOLD_PORT: port } }).status;
}
