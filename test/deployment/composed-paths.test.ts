import { posix } from 'node:path';
import { test } from '../harness/ava.ts';
import { parse } from 'yaml';
import { z } from 'zod';
import { filesMatching, readTracked, TRACKED_FILES } from '../tidy/tracked-files.ts';
import { listMounts, locateMounted, readComposition } from './read-composition.ts';

const { services } = readComposition();
const all = Object.entries(services);

/** The names that containers use for each other. */
const NAMES = new Map(
  all.flatMap(([name, service]) =>
    [name, ...(service.networks?.default.aliases ?? [])].map((each) => [each, service] as const),
  ),
);

/** The ports of services that publish none. */
const UNPUBLISHED_PORTS: Readonly<Record<string, string>> = { redis: '6379' };

/** What is wrong with `host:port` as the address of a container; nothing if it is right. */
function findFault(address: string): string[] {
  const [, host = '', port = ''] = /^(?:[a-z]+:\/\/)?([^:/]+):(\d+)/.exec(address) ?? [];
  const service = NAMES.get(host);
  if (service === undefined) return [`${address}: there is no service ${host}`];
  const ports = [...service.ports.map((each) => each.split(':')[2]), UNPUBLISHED_PORTS[host]];
  if (service.environment['STREAMFOLD_PORT'] === port) return [];
  return ports.includes(port) ? [] : [`${address}: it does not listen there`];
}

test('the configuration that a container reads is where its volumes put it', (t) => {
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

test('rules, templates, data sources and dashboards are where their readers look', (t) => {
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
  const addresses = all.flatMap(([, { environment }]) => environment['STREAMFOLD_REDIS_URL'] ?? []);
  const scraped = ['compose.yml', 'compose-long-term.yml'].flatMap((file) => {
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
  addresses.push(...scraped);
  const Sources = z.object({ datasources: z.array(z.object({ url: z.string() })) });
  for (const file of filesMatching(/^infra\/grafana\/provisioning\/datasources\/.*\.yml$/)) {
    addresses.push(...Sources.parse(parse(readTracked(file))).datasources.map(({ url }) => url));
  }
  t.true(addresses.length >= 10);
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
