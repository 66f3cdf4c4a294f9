import { posix } from 'node:path';
import test from 'ava';
import { SETTINGS, type Setting } from 'streamfold';
import { parse } from 'yaml';
import { z } from 'zod';
import { runStreamfold } from '../harness/run-streamfold.ts';
import { filesMatching, readTracked, TRACKED_FILES, TRACKED_FOLDERS } from '../tidy/tracked-files.ts';
import { listMounts, locateMounted, readComposition } from './read-composition.ts';

const { services, volumes } = readComposition();
const all = Object.entries(services);
const ours = all.filter(([, { build }]) => build !== undefined);

/** Names by which containers find each other. */
const NAMES = new Map(
  all.flatMap(([name, service]) =>
    [name, ...(service.networks?.default.aliases ?? [])].map((each) => [each, service] as const),
  ),
);

/** Where a service listens that publishes no port. */
const UNPUBLISHED_PORTS: Readonly<Record<string, string>> = { redis: '6379' };

/** What is wrong with `host:port` as an address of a container; nothing where it is one. */
function findFault(address: string): string[] {
  const [, host = '', port = ''] = /^(?:[a-z]+:\/\/)?([^:/]+):(\d+)/.exec(address) ?? [];
  const service = NAMES.get(host);
  if (service === undefined) return [`${address}: there is no service ${host}`];
  const ports = [...service.ports.map((each) => each.split(':')[2]), UNPUBLISHED_PORTS[host]];
  if (service.environment['STREAMFOLD_PORT'] === port) return [];
  return ports.includes(port) ? [] : [`${address}: it does not listen there`];
}

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

test('everything that a container is given of the repository is in it, and cannot be written by it', (t) => {
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

test('every named volume is used, and every one that is used is named', (t) => {
  const used = all.flatMap(([, service]) =>
    service.volumes.map((volume) => volume.split(':')[0] ?? '').filter((source) => !source.startsWith('.')),
  );
  t.deepEqual(used.toSorted(), Object.keys(volumes).toSorted());
});

test('ports are open on this machine only, each once', (t) => {
  const ports = all.flatMap(([, service]) => service.ports);
  t.deepEqual(
    ports.filter((port) => !/^127\.0\.0\.1:\d+:\d+$/.test(port)),
    [],
  );
  t.is(new Set(ports.map((port) => port.split(':')[1])).size, ports.length);
});

test('whoever waits for a service waits for one that says when it is healthy', (t) => {
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

test('settings of Streamfold are ones that it knows, with values that it takes, and the port is the default', (t) => {
  const settings = Object.values<Setting>(SETTINGS);
  const faults = all.flatMap(([name, { environment }]) =>
    Object.entries(environment)
      .filter(([variable]) => variable.startsWith('STREAMFOLD_'))
      .filter(([variable, value]) => {
        const setting = settings.find((each) => each.variable === variable);
        return setting === undefined || !setting.schema.safeParse(value).success;
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
  t.deepEqual(
    ours.flatMap(([, { environment }]) => findFault(environment['STREAMFOLD_REDIS_URL'] ?? '')),
    [],
  );
});

test('the commands of our containers are ones that the program takes', async (t) => {
  for (const [name, { command = ['serve'] }] of ours) {
    const { code, stdout } = await runStreamfold([...command, '--help']);
    t.is(code, 0, name);
    for (const flag of command.filter((word) => word.startsWith('--')))
      t.true(stdout.includes(`${flag} `), flag);
  }
});

test('no secret stands in the composition: what is one comes from a file', (t) => {
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

test('the configuration that a container is told to read is where its volumes put it', (t) => {
  const told = all.flatMap(([name, service]) =>
    (service.command ?? [])
      .filter((word) => word.startsWith('--config.file='))
      .map((word) => [name, locateMounted(service, word.slice('--config.file='.length))]),
  );
  t.deepEqual(told, [
    ['prometheus', 'infra/prometheus/compose.yml'],
    ['alertmanager', 'infra/alertmanager/alertmanager.yml'],
  ]);
  t.deepEqual(
    told.filter(([, path = '']) => !TRACKED_FILES.includes(path)),
    [],
  );
  const { services: longTerm } = readComposition({ PROMETHEUS_CONFIG: 'compose-long-term.yml' });
  t.true(longTerm['prometheus']?.command?.includes('--config.file=/etc/prometheus/compose-long-term.yml'));
  t.true(TRACKED_FILES.includes('infra/prometheus/compose-long-term.yml'));
});

test('rules, templates, data sources and dashboards are where those who read them look', (t) => {
  const globs = [
    ...namedFiles('prometheus', 'infra/prometheus/compose.yml', 'rule_files'),
    ...namedFiles('alertmanager', 'infra/alertmanager/alertmanager.yml', 'templates'),
  ];
  t.true(globs.length >= 1);
  t.deepEqual(
    globs.filter((glob) => filesMatching(toPattern(glob)).length === 0),
    [],
  );

  const { grafana } = services;
  const provisioning = grafana && locateMounted(grafana, '/etc/grafana/provisioning');
  t.true(filesMatching(new RegExp(`^${provisioning}/datasources/.*\\.yml$`)).length > 0);
  const Providers = z.object({ providers: z.array(z.object({ options: z.object({ path: z.string() }) })) });
  const [provider] = filesMatching(new RegExp(`^${provisioning}/dashboards/.*\\.yml$`));
  for (const { options } of Providers.parse(parse(readTracked(provider ?? ''))).providers) {
    t.is(grafana && locateMounted(grafana, options.path), 'dashboards');
  }
  const home = grafana?.environment['GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH'] ?? '';
  t.true(TRACKED_FILES.includes((grafana && locateMounted(grafana, home)) ?? ''), home);
});

test('every service that a configuration names is in the composition, at the port on which it listens', (t) => {
  const Prometheus = z.object({
    scrape_configs: z.array(
      z.object({
        static_configs: z.array(z.object({ targets: z.array(z.string()) })).default([]),
        dns_sd_configs: z.array(z.object({ names: z.array(z.string()), port: z.number() })).default([]),
      }),
    ),
    alerting: z
      .object({
        alertmanagers: z.array(
          z.object({ static_configs: z.array(z.object({ targets: z.array(z.string()) })) }),
        ),
      })
      .default({ alertmanagers: [] }),
    remote_write: z.array(z.object({ url: z.string() })).default([]),
  });
  const addresses = ['compose.yml', 'compose-long-term.yml'].flatMap((file) => {
    const { scrape_configs, alerting, remote_write } = Prometheus.parse(
      parse(readTracked(`infra/prometheus/${file}`)),
    );
    return [
      ...[...scrape_configs, ...alerting.alertmanagers].flatMap(({ static_configs }) =>
        static_configs.flatMap(({ targets }) => targets),
      ),
      ...scrape_configs.flatMap(({ dns_sd_configs }) =>
        dns_sd_configs.flatMap(({ names, port }) => names.map((name) => `${name}:${port}`)),
      ),
      ...remote_write.map(({ url }) => url),
    ];
  });
  const Sources = z.object({ datasources: z.array(z.object({ url: z.string() })) });
  for (const file of filesMatching(/^infra\/grafana\/provisioning\/datasources\/.*\.yml$/)) {
    addresses.push(...Sources.parse(parse(readTracked(file))).datasources.map(({ url }) => url));
  }
  t.true(addresses.length >= 7);
  t.deepEqual(addresses.flatMap(findFault), []);
});

/** The files that a configuration names by paths relative to itself, as its container sees them. */
function namedFiles(name: string, file: string, field: string): string[] {
  const service = services[name];
  const [mount] =
    service === undefined ? [] : listMounts(service).filter(({ source }) => file.startsWith(`${source}/`));
  const folder = `${mount?.target}${posix.dirname(file).slice(mount?.source.length)}`;
  const named = z.record(z.string(), z.unknown()).parse(parse(readTracked(file), { merge: true }));
  return z
    .array(z.string())
    .default([])
    .parse(named[field])
    .map((glob) => posix.join(folder, glob))
    .map((path) => (service && locateMounted(service, path)) ?? `${path}, which is not there`);
}

function toPattern(glob: string): RegExp {
  return new RegExp(`^${glob.replaceAll('.', '\\.').replaceAll('*', '[^/]*')}$`);
}
