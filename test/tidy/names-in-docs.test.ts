import { test } from '../harness/ava.ts';
import { CATALOGUE, EVENT_TYPES } from '@streamfold/core';
import { describeProcessMetrics } from '@streamfold/aggregator';
import {
  coordinationKeys,
  generationKeys,
  generationsKey,
  shardCountKey,
  shardKeys,
} from '@streamfold/redis';
import { SETTINGS, type Setting } from 'streamfold';
import { filesMatching, PAGES, readTracked } from './tracked-files.ts';

/** Files that name metrics to users: pages, and everything that scrapes, shows or alerts. */
const NAMING = [
  ...PAGES,
  ...filesMatching(/^(infra|dashboards|alerts|deploy)\/.*\.(ya?ml|json|rules|md|txt)$/),
];

/** Names of Redis Functions contain the number of their interface; names of metrics do not. */
const METRIC =
  /(?<![\w:.#])(?:streamfold_(?!\d)[a-z0-9_]+|blocking_[a-z0-9_]+|[a-z][a-z0-9_]*_(?:total|seconds|seconds_bucket|seconds_sum|seconds_count))(?![\w*:])/g;

/** Fields of `/prometheus/health`, the parameter of a scrape, and the series that Prometheus adds to one. */
const NO_METRICS_OF_OURS = new Set([
  'lag_seconds',
  'uptime_seconds',
  'zero_first_seconds',
  'scrape_duration_seconds',
]);

/** Words that are values of event fields: `one of …`. */
const LABEL_VALUES: ReadonlySet<string> = new Set(
  EVENT_TYPES.flatMap(({ rules }) => rules.map(({ kind }) => kind.expected))
    .filter((expected) => expected.startsWith('one of '))
    .flatMap((expected) => expected.slice('one of '.length).split(', ')),
);

/** Metrics that pages define in example configuration files. */
const DEFINED: ReadonlySet<string> = new Set(
  PAGES.flatMap((page) => [...readTracked(page).matchAll(/^\s*"name": "(\w+)",$/gm)]).map(
    ([, name = '']) => name,
  ),
);

test('every metric that a page, a dashboard or an alert names is served', (t) => {
  const served = new Set([...CATALOGUE, ...describeProcessMetrics()].map(({ name }) => name));
  const unknown = NAMING.flatMap((path) =>
    [...new Set(readTracked(path).match(METRIC))]
      .filter((name) => !served.has(name) && !served.has(name.replace(/_(bucket|sum|count)$/, '')))
      .filter((name) => !NO_METRICS_OF_OURS.has(name) && !LABEL_VALUES.has(name) && !DEFINED.has(name))
      .map((name) => `${path} names ${name}`),
  );
  t.deepEqual(unknown, []);
});

test('every metric is described in the reference', (t) => {
  const page = readTracked('docs/reference/metrics.md');
  const missing = [...CATALOGUE, ...describeProcessMetrics()].filter(
    ({ name }) => !page.includes(`\`${name}\``),
  );
  t.deepEqual(missing, []);
});

/** Variables read by the set-up, before there is a program, and by programs of users. */
const SETTINGS_OUTSIDE = [
  'STREAMFOLD_CACHE',
  'STREAMFOLD_TEST_SERVER',
  'STREAMFOLD_SIGNING_KEYS',
  'STREAMFOLD_SIGNING_KEYS_FILE',
  'STREAMFOLD_REQUIRE_SIGNATURES',
  'STREAMFOLD_ACCEPT_EARLIER_SIGNATURES',
];

test('every STREAMFOLD_ variable named anywhere is a setting', (t) => {
  const known = new Set<string>([
    ...Object.values(SETTINGS).map(({ variable }) => variable),
    ...SETTINGS_OUTSIDE,
  ]);
  const naming = filesMatching(
    /^(README\.md|CHANGELOG\.md|docs\/|infra\/|packages\/[^/]+\/src\/|examples\/|\.ci\/)/,
  );
  const unknown = naming.flatMap((path) =>
    [...new Set(readTracked(path).match(/STREAMFOLD_[A-Z0-9_]*[A-Z0-9]/g))]
      .filter((variable) => !known.has(variable))
      .map((variable) => `${path} names ${variable}`),
  );
  t.deepEqual(unknown, []);
});

test('every setting is described in the reference', (t) => {
  const page = readTracked('docs/reference/configuration.md');
  const settings = Object.values<Setting>(SETTINGS);
  const names = [
    ...settings.map(({ flag, variable, oneShot }) => (oneShot === true ? flag : variable)),
    ...SETTINGS_OUTSIDE,
  ];
  t.deepEqual(
    names.filter((name) => !page.includes(`\`${name}\``)),
    [],
  );
});

test('every key has a row in the page of keys', (t) => {
  const rows = new Set(
    [...readTracked('docs/redis-keys.md').matchAll(/^\| `(streamfold:[^`]+)` \|/gm)].map(([, key]) => key),
  );
  const { group, snapshotParts, ...generation } = generationKeys(
    { prefix: 'streamfold', shard: 0 },
    '<generation>',
  );
  const { publisher, retried, ...shard } = shardKeys({ prefix: 'streamfold', shard: 0 });
  const { coordinator, inbox, settled, bell, waits, work, wait, signal, acks, named, ...coordination } =
    coordinationKeys({ prefix: 'streamfold', shard: 0 });
  const ofSwarm = [
    ...[coordinator, inbox, settled, bell, waits, work].map((name) => name('<swarm>', '<id>')),
    wait('<swarm>', '<wait>'),
    ...[signal, acks].map((name) => name('<swarm>', '<signal>', '<iteration>')),
  ].map((key) => key.replaceAll('|', '\\|'));
  const keys: readonly string[] = [
    ...Object.values<string>(shard),
    ...Object.values<string>(coordination),
    ...ofSwarm,
    publisher('<id>'),
    retried(7, '<id>').replace('7', '<shard>'),
    ...Object.values<string>(generation),
    snapshotParts('<id>'),
    shardCountKey('streamfold'),
    generationsKey('streamfold'),
  ];
  t.true(keys.length > 8);
  t.deepEqual(
    keys.filter((key) => !rows.has(key)),
    [],
  );
  t.true(readTracked('docs/redis-keys.md').includes(`\`${group}\``));
  t.is(named('name'), 'streamfold:{0}:name');
});

test('the table of coordination keys lists exactly the keys of its functions', (t) => {
  const [, section = ''] = readTracked('docs/redis-keys.md').split('\n## Coordination\n');
  const rows = [...section.matchAll(/^\| `streamfold:\{0\}:([^`]+)` \|/gm)];
  const documented = rows.map(([, key = '']) => key.replaceAll('\\|', '|'));
  const [header = ''] = /^(--.*\n)+/.exec(readTracked('packages/coordination/lua/prelude.lua')) ?? [];
  const described = [...header.matchAll(/^-- {3}(\S+) /gm)].map(([, key = '']) => key);
  t.true(described.length > 8);
  t.deepEqual(described.toSorted(), documented.toSorted());
  // `key_of(keys, 'name:' .. …)`, `find_key(keys, 'name')`, `need(keys, 'name', 'name:' .. …)`.
  const named = new Set(described.map((key) => key.replace(/:.*/, '')));
  const used = filesMatching(/^packages\/coordination\/lua\/.*\.lua$/).flatMap((path) =>
    [...readTracked(path).matchAll(/\b(?:key_of|find_key|need)\([\w.]*keys, ([^)]*)\)/g)].flatMap(
      ([, names = '']) => [...names.matchAll(/'([a-z-]+):?'/g)].map(([, name = '']) => name),
    ),
  );
  t.true(used.length > 20);
  t.deepEqual(
    used.filter((name) => !named.has(name)),
    [],
  );
});
