import { posix } from 'node:path';
import { test } from '../harness/ava.ts';
import { z } from 'zod';
import { filesMatching, readTracked } from './tracked-files.ts';

/** The packages that a package may depend on, as in docs/ARCHITECTURE.md. A new package needs a row, there and here. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  core: [],
  redis: [],
  archive: ['core', 'redis'],
  mixin: ['core'],
  'private-servers': [],
  publisher: ['core', 'redis'],
  coordination: ['core', 'redis'],
  aggregator: ['archive', 'coordination', 'core', 'redis'],
  cli: ['aggregator', 'archive', 'coordination', 'core', 'private-servers', 'publisher', 'redis'],
};

const PACKAGES = filesMatching(/^packages\/[^/]+\/package\.json$/).map((path) => path.split('/')[1] ?? '');

const Manifest = z.object({ name: z.string(), dependencies: z.record(z.string(), z.string()).default({}) });
const Project = z.object({ references: z.array(z.object({ path: z.string() })).default([]) });

const manifests = new Map(
  PACKAGES.map(
    (name) => [name, Manifest.parse(JSON.parse(readTracked(`packages/${name}/package.json`)))] as const,
  ),
);
const folderOf = new Map([...manifests].map(([folder, { name }]) => [name, folder]));

function sources(folder: string): string[] {
  return filesMatching(new RegExp(`^packages/${folder}/src/.*\\.ts$`));
}

/** Everything that a file imports, in any form. */
function imports(path: string): string[] {
  const FROM = /(?:\bfrom\s+|\bimport\s*\(?\s*)'([^']+)'/g;
  return [...readTracked(path).matchAll(FROM)].map(([, specifier]) => specifier ?? '');
}

function inOrder(names: Iterable<string>): string[] {
  return [...names].toSorted((left, right) => (left < right ? -1 : 1));
}

/** The name of a package without the part of it that is imported. */
function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** The packages of this repository that another one imports. */
function importedPackages(folder: string): string[] {
  const names = sources(folder)
    .flatMap(imports)
    .flatMap((specifier) => folderOf.get(packageOf(specifier)) ?? []);
  return inOrder(new Set(names.filter((name) => name !== folder)));
}

for (const folder of PACKAGES) {
  test(`${folder} imports only the packages that the architecture allows`, (t) => {
    const allowed = ARROWS[folder];
    t.truthy(allowed, `expected a row for ${folder}, here and in docs/ARCHITECTURE.md`);
    t.deepEqual(
      importedPackages(folder).filter((name) => !allowed?.includes(name)),
      [],
    );
  });

  test(`${folder} declares the packages that it imports, to pnpm and to the compiler`, (t) => {
    const imported = importedPackages(folder);
    const declared = Object.keys(manifests.get(folder)?.dependencies ?? {}).flatMap(
      (name) => folderOf.get(name) ?? [],
    );
    const { references } = Project.parse(JSON.parse(readTracked(`packages/${folder}/tsconfig.json`)));
    t.deepEqual(inOrder(declared), imported);
    t.deepEqual(inOrder(references.map(({ path }) => posix.basename(path))), imported);
  });

  test(`${folder} imports by path only its own files`, (t) => {
    const strangers = sources(folder).flatMap((path) =>
      imports(path)
        .filter((specifier) => specifier.startsWith('.'))
        .filter(
          (specifier) => !posix.join(posix.dirname(path), specifier).startsWith(`packages/${folder}/src/`),
        )
        .map((specifier) => `${path}: ${specifier}`),
    );
    t.deepEqual(strangers, []);
  });
}

test('files of a package import each other directly, not through the index', (t) => {
  const through = PACKAGES.flatMap(sources).flatMap((path) =>
    imports(path)
      .filter((specifier) => /^\..*\/index\.ts$/.test(specifier))
      .map((specifier) => `${path}: ${specifier}`),
  );
  t.deepEqual(through, []);
});

test('a coordinator loads two files of the core, not its schemas: its process starts in half the time', (t) => {
  const imported = sources('coordination').flatMap(imports);
  t.deepEqual(inOrder(new Set(imported.filter((specifier) => packageOf(specifier) === '@streamfold/core'))), [
    '@streamfold/core/entry-id',
    '@streamfold/core/swarm-shard',
  ]);
  for (const file of ['entry-id', 'swarm-shard']) t.deepEqual(imports(`packages/core/src/${file}.ts`), []);
});
