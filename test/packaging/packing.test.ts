import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from '../harness/ava.ts';
import { amount } from '../harness/soaking.ts';
import { readPublished } from '../harness/read-published.ts';
import { startRedis } from '../harness/start-redis.ts';

const run = promisify(execFile);

const ROOT = fileURLToPath(new URL(import.meta.resolve('../../../')));
/** Versions of TypeScript that users have: the last one that supports `node10`, and ours. */
const COMPILERS = {
  5: join(ROOT, 'test/node_modules/typescript-5/bin/tsc'),
  7: join(ROOT, 'node_modules/typescript/bin/tsc'),
} as const;
const LIBRARIES = ['core', 'redis', 'publisher', 'coordination', 'archive', 'aggregator', 'private-servers'];
const NAMES = [...LIBRARIES.map((name) => `@streamfold/${name}`), 'streamfold'];
/** The files that a package may contain. */
const PACKED =
  /^(dist\/.+\.(js|d\.ts)(\.map)?|lua\/[a-z-]+\.lua|bin\/streamfold\.js|package\.json|README\.md|LICENSE)$/;

const directory = await mkdtemp(join(tmpdir(), 'streamfold-packing-'));
test.after.always(() => rm(directory, { recursive: true, force: true }));

const tarballs = join(directory, 'tarballs');
const project = join(directory, 'project');
let files: string[] = [];
test.before(async () => {
  await run(process.execPath, ['infra/pack.mjs', tarballs], { cwd: ROOT });
  files = (await readdir(tarballs)).map((name) => join(tarballs, name));
  await mkdir(project);
  await writeFile(join(project, 'package.json'), '{ "private": true, "type": "module" }');
  for (const extension of ['ts', 'mts', 'cts'])
    await writeFile(join(project, `program.${extension}`), PROGRAM);
  // Outside the workspace: the packages find each other among these files, or not at all.
  const options = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts'];
  await run('npm', ['install', ...options, '@types/node@20.19.43', ...files], { cwd: project });
});

/** Runs a program in the user's project; rejects with its output if it fails. */
async function runProgram(program: string, args: readonly string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [program, ...args], { cwd: project }).catch(
    (error: { stdout?: string; stderr?: string }) => {
      throw new Error(`${program} ${args.join(' ')}\n${error.stdout}${error.stderr}`);
    },
  );
  return stdout;
}

test('every package contains everything it needs to run, and no tests, sources or build state', async (t) => {
  t.is(files.length, NAMES.length);
  for (const file of files) {
    const { stdout } = await run('tar', ['-tzf', file]);
    const paths = stdout
      .trim()
      .split('\n')
      .map((path) => path.replace(/^package\//, ''));
    for (const path of paths) {
      t.regex(path, PACKED, file);
      t.notRegex(path, /test|fixture|harness/, file);
    }
    for (const path of ['dist/index.js', 'dist/index.d.ts', 'LICENSE'])
      t.true(paths.includes(path), `${file}: ${path}`);
    const folder = /(?:streamfold-)?([a-z-]+)-\d/.exec(file.slice(tarballs.length + 1))?.[1] ?? '';
    const hasLua = existsSync(join(ROOT, 'packages', folder === 'streamfold' ? 'cli' : folder, 'lua'));
    t.is(
      paths.some((path) => path.startsWith('lua/')),
      hasLua,
      file,
    );
  }
});

const PROGRAM = `
import { runAggregator } from '@streamfold/aggregator';
import { commitBatch } from '@streamfold/aggregator/round-trips';
import { openArchive } from '@streamfold/archive';
import { joinSwarm } from '@streamfold/coordination';
import { encodeEvent } from '@streamfold/core';
import { createPublisher, type EventInput } from '@streamfold/publisher';
import { connectRedis } from '@streamfold/redis';
import { defineConfig } from 'streamfold';

export const exported = [runAggregator, commitBatch, openArchive, joinSwarm, encodeEvent, connectRedis, defineConfig];
const event: EventInput = {
  type: 'signal.sent', swarm_id: 's1', sender_id: 'a', receiver_id: 'b', signal_type: 'handoff', trace_id: 't1',
};
// @ts-expect-error signal_type is missing: the packages have types, and not just any
export const wrong: EventInput = { type: 'signal.sent', swarm_id: 's1', sender_id: 'a', receiver_id: 'b' };
export async function publish(url: string): Promise<number> {
  const publisher = createPublisher({ url });
  const { entryIds } = await publisher.append(event);
  await publisher.close();
  return entryIds.length;
}
`;
/** The newest and the oldest way; the soak test takes all of them, for they take half a minute. */
const WAYS = [
  { compiler: 7, module: 'nodenext', moduleResolution: 'nodenext', programs: ['program.mts', 'program.cts'] },
  { compiler: 5, module: 'commonjs', moduleResolution: 'node10', programs: ['program.ts'] },
  { compiler: 5, module: 'nodenext', moduleResolution: 'nodenext', programs: ['program.mts', 'program.cts'] },
  { compiler: 5, module: 'esnext', moduleResolution: 'bundler', programs: ['program.ts'] },
] as const;

for (const { compiler, module, moduleResolution, programs } of WAYS.slice(0, amount({ test: 2, soak: 4 }))) {
  test(`a strict program compiles against the packages with TypeScript ${compiler} and moduleResolution ${moduleResolution}`, async (t) => {
    const strict = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--skipLibCheck'];
    const modules = ['--target', 'es2022', '--module', module, '--moduleResolution', moduleResolution];
    await t.notThrowsAsync(runProgram(COMPILERS[compiler], [...strict, ...modules, ...programs]));
  });
}

const PUBLISH = `
  const publisher = createPublisher({ url: process.argv[2] });
  const event = { type: 'signal.sent', swarm_id: 's1', sender_id: 'a', receiver_id: 'b', signal_type: 'handoff' };
  publisher.append(event).then(async ({ entryIds }) => {
    await publisher.close();
    console.log(entryIds.length);
  });`;

test('an ES module can import every package, and publish an event', async (t) => {
  const server = await startRedis();
  t.teardown(() => server.stop());
  const imports = NAMES.map((name) => `import '${name}';`).join('\n');
  await writeFile(
    join(project, 'main.mjs'),
    `${imports}\nimport { createPublisher } from '@streamfold/publisher';${PUBLISH}`,
  );
  t.is(await runProgram('main.mjs', [server.url]), '1\n');
  t.like((await readPublished(server.redis))[0], { type: 'signal.sent', swarm_id: 's1' });
  t.regex(
    await runProgram('node_modules/streamfold/bin/streamfold.js', ['doctor', '--redis', server.url]),
    /^ok {4}version /,
  );
});

test('a CommonJS module can require every package, and publish an event', async (t) => {
  const server = await startRedis();
  t.teardown(() => server.stop());
  const requires = NAMES.map((name) => `require('${name}');`).join('\n');
  await writeFile(
    join(project, 'main.cjs'),
    `${requires}\nconst { createPublisher } = require('@streamfold/publisher');${PUBLISH}`,
  );
  t.is(await runProgram('main.cjs', [server.url]), '1\n');
  t.like((await readPublished(server.redis))[0], { type: 'signal.sent', swarm_id: 's1' });
});
