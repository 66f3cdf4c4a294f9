import { posix } from 'node:path';
import { test } from '../harness/ava.ts';
import { parseSetting, SETTINGS, type Setting } from 'streamfold';
import { z } from 'zod';
import { runStreamfold } from '../harness/run-streamfold.ts';
import { PAGES, readTracked, TRACKED_FILES, TRACKED_FOLDERS } from '../tidy/tracked-files.ts';
import { listMounts, readComposition } from './read-composition.ts';

const { services, volumes } = readComposition();
const all = Object.entries(services);
const ours = all.filter(([, { build }]) => build !== undefined);

test('every image has a version, and ours has that of the program', (t) => {
  t.deepEqual(
    all.filter(([, { image }]) => !/:v?\d+\.\d+\.\d+(-[a-z]+)?$/.test(image)).map(([name]) => name),
    [],
  );
  const { version } = z
    .object({ version: z.string() })
    .parse(JSON.parse(readTracked('packages/cli/package.json')));
  t.true(ours.length >= 3);
  t.deepEqual([...new Set(ours.map(([, { image }]) => image))], [`streamfold:${version}`]);
});

test('every mounted file of the repository exists, and is mounted read-only', (t) => {
  const mounts = all.flatMap(([, service]) => listMounts(service));
  t.true(mounts.length >= 5);
  t.deepEqual(
    mounts.filter(
      ({ source, mode }) => mode !== 'ro' || !(TRACKED_FOLDERS.has(source) || TRACKED_FILES.includes(source)),
    ),
    [],
  );
  for (const [, { build }] of ours) {
    t.true(TRACKED_FILES.includes(posix.join('infra', build?.context ?? '', build?.dockerfile ?? '')));
  }
});

test('every named volume is used, and every volume used is declared', (t) => {
  const used = all.flatMap(([, service]) =>
    service.volumes.map((volume) => volume.split(':')[0] ?? '').filter((source) => !source.startsWith('.')),
  );
  t.deepEqual(used.toSorted(), Object.keys(volumes).toSorted());
});

test('ports are published on this machine only, each once', (t) => {
  const ports = all.flatMap(([, service]) => service.ports);
  t.deepEqual(
    ports.filter((port) => !/^127\.0\.0\.1:\d+:\d+$/.test(port)),
    [],
  );
  t.is(new Set(ports.map((port) => port.split(':')[1])).size, ports.length);
});

test('a service that others wait for has a health check', (t) => {
  const awaited = all.flatMap(([, service]) => Object.keys(service.depends_on));
  t.true(awaited.length >= 6);
  t.deepEqual(
    awaited.filter((name) => {
      const healthcheck = services[name]?.healthcheck;
      return healthcheck === undefined || 'disable' in healthcheck;
    }),
    [],
  );
});

test('the settings of Streamfold exist, have valid values, and use the default port', (t) => {
  const settings = Object.values<Setting>(SETTINGS);
  const faults = all.flatMap(([name, { environment }]) =>
    Object.entries(environment)
      .filter(([variable]) => variable.startsWith('STREAMFOLD_'))
      .filter(([variable, value]) => {
        const setting = settings.find((each) => each.variable === variable);
        return setting === undefined || !parseSetting(setting, value).success;
      })
      .map(([variable]) => `${name}: ${variable}`),
  );
  t.deepEqual(faults, []);
  const aggregators = ours.filter(([, { networks }]) => networks?.default.aliases.includes('aggregator'));
  t.is(aggregators.length, 2);
  for (const [, { environment }] of aggregators) {
    t.is(environment['STREAMFOLD_PORT'], String(SETTINGS.port.byDefault));
    t.is(environment['STREAMFOLD_HOST'], '0.0.0.0');
  }
});

test('the commands of the Streamfold containers are valid', async (t) => {
  for (const [name, { command = ['serve'] }] of ours) {
    const { code, stdout } = await runStreamfold([...command, '--help']);
    t.is(code, 0, name);
    for (const flag of command.filter((word) => word.startsWith('--')))
      t.true(stdout.includes(`${flag} `), flag);
  }
});

test('the composition holds no secret: secrets come from files', (t) => {
  const SECRET = /PASSWORD|SECRET|TOKEN|_KEYS?$|CREDENTIAL/;
  t.deepEqual(
    all.flatMap(([, { environment }]) => Object.keys(environment).filter((name) => SECRET.test(name))),
    [],
  );
  const urls = all.flatMap(([, { environment, command = [] }]) => [
    ...Object.values(environment),
    ...command,
  ]);
  t.deepEqual(
    urls.filter((text) => /:\/\/[^/\s]*@/.test(text)),
    [],
  );
});

test('the composition has the services, profiles and ports that the docs name', (t) => {
  const commands = PAGES.flatMap((page) =>
    [...readTracked(page).matchAll(/docker compose -f infra\/compose\.yaml (.*)$/gm)].map(
      ([, rest = '']) => rest,
    ),
  );
  t.true(commands.length >= 6);
  const profiles = new Set(all.flatMap(([, service]) => service.profiles ?? []));
  const faults = commands.flatMap((command) => {
    const [, executed = ''] = /^exec (\S+) streamfold /.exec(command) ?? [];
    const [, logged = ''] = /^logs (.*)/.exec(command) ?? [];
    const named = [executed, ...logged.split(' '), /--scale (\S+)=/.exec(command)?.[1] ?? ''];
    const profile = /--profile (\S+)/.exec(command)?.[1];
    return [
      ...named.filter((name) => /^[a-z]/.test(name) && !(name in services)),
      ...(profile === undefined || profiles.has(profile) ? [] : [profile]),
    ];
  });
  t.deepEqual(faults, []);

  const [, docker = ''] = readTracked('docs/installation.md').split('\n## Docker\n');
  const addresses = [...docker.matchAll(/<http:\/\/localhost:(\d+)/g)].map(([, port]) => port);
  const published = new Set(all.flatMap(([, service]) => service.ports.map((port) => port.split(':')[1])));
  t.true(addresses.length >= 4);
  t.deepEqual(
    addresses.filter((port) => !published.has(port)),
    [],
  );
});
