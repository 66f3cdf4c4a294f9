import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { readPublished } from '../harness/read-published.ts';
import { startRedis } from '../harness/start-redis.ts';

const run = promisify(execFile);

const ROOT = fileURLToPath(new URL(import.meta.resolve('../../../')));
const PACKAGES = [
  'core',
  'redis',
  'publisher',
  'coordination',
  'archive',
  'aggregator',
  'private-servers',
  'cli',
] as const;
/** All that may be in a package, besides what npm always adds. */
const PACKED =
  /^(dist\/.+\.(js|d\.ts)(\.map)?|lua\/[a-z-]+\.lua|bin\/streamfold\.js|package\.json|README\.md|LICENSE)$/;

interface Packed {
  readonly name: string;
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

const directory = await mkdtemp(join(tmpdir(), 'streamfold-packing-'));

// prettier-ignore
const { stdout } = await run(
  'npm',
  ['pack', '--json', '--ignore-scripts', '--pack-destination', directory, ...PACKAGES.map((name) => `./packages/${name}`)],
  { cwd: ROOT },
);
const packed = JSON.parse(stdout) as Packed[];
test.after.always(() => rm(directory, { recursive: true, force: true }));

test('every package packs what it runs on, and no tests, sources or build state', async (t) => {
  t.is(packed.length, PACKAGES.length);
  for (const [at, { name, files }] of packed.entries()) {
    const paths = files.map(({ path }) => path);
    for (const path of paths) t.regex(path, PACKED, name);
    t.true(paths.includes('dist/index.js') && paths.includes('dist/index.d.ts'), name);
    t.deepEqual(
      paths.filter((path) => /test|fixture|harness/.test(path)),
      [],
      name,
    );
    const folder = join(ROOT, 'packages', PACKAGES[at] ?? '');
    t.is(paths.includes('LICENSE'), existsSync(join(folder, 'LICENSE')), name);
    t.is(
      paths.some((path) => path.startsWith('lua/')),
      existsSync(join(folder, 'lua')),
      name,
    );
  }
});

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** Unpacks all packages as an installation would; what they need of others is linked from the workspace: no registry. */
async function install(project: string): Promise<void> {
  for (const [at, { name, filename }] of packed.entries()) {
    const home = join(project, 'node_modules', name);
    await mkdir(home, { recursive: true });
    await run('tar', ['-xzf', join(directory, filename), '-C', home, '--strip-components=1']);
    const { dependencies = {} } = JSON.parse(await readFile(join(home, 'package.json'), 'utf8')) as Manifest;
    for (const dependency of Object.keys(dependencies)) {
      const link = join(project, 'node_modules', dependency);
      if (dependencies[dependency]?.startsWith('workspace:') || existsSync(link)) continue;
      await mkdir(dirname(link), { recursive: true });
      await symlink(join(ROOT, 'packages', PACKAGES[at] ?? '', 'node_modules', dependency), link);
    }
  }
}

test('in an ES module project of a user every package can be imported, and an event published', async (t) => {
  const project = join(directory, 'project');
  await install(project);
  await writeFile(join(project, 'package.json'), '{ "type": "module" }');
  await writeFile(
    join(project, 'main.js'),
    `import { createPublisher } from '@streamfold/publisher';
     for (const name of ['core', 'redis', 'coordination', 'archive', 'aggregator', 'private-servers']) await import(\`@streamfold/\${name}\`);
     const publisher = createPublisher({ url: process.argv[2] });
     const event = { type: 'signal.sent', swarm_id: 's1', sender_id: 'a', receiver_id: 'b', signal_type: 'handoff' };
     const { entryIds } = await publisher.append(event);
     await publisher.close();
     console.log(entryIds.length);`,
  );
  const server = await startRedis();
  t.teardown(() => server.stop());
  t.is((await run(process.execPath, [join(project, 'main.js'), server.url])).stdout, '1\n');
  t.like((await readPublished(server.redis))[0], { type: 'signal.sent', swarm_id: 's1' });

  const program = join(project, 'node_modules/streamfold/bin/streamfold.js');
  const status = await run(process.execPath, [program, 'doctor', '--redis', server.url]);
  t.regex(status.stdout, /^ok {4}version /);
});
