import { test } from '../harness/ava.ts';
import { CATALOGUE, EVENT_TYPES } from '@streamfold/core';
import { describeProcessMetrics } from '@streamfold/aggregator';
import { alertNames, mixinFiles } from '@streamfold/mixin';
import { interpolateQuery } from './interpolate-query.ts';
import { parsePromql } from './parse-promql.ts';
import { DASHBOARDS, dataLinksOf, listTargets, panelsOf, type DashboardJson } from './read-dashboards.ts';

const ALL = [...DASHBOARDS.values()];
const DURATIONS = { rateInterval: '1m', range: '1h' };

/** Labels of every metric: its own, and those that a scrape adds. */
const LABELS: ReadonlyMap<string, readonly string[]> = new Map(
  [{ name: 'up', type: 'gauge', labels: [] }, ...CATALOGUE, ...describeProcessMetrics()].flatMap(
    ({ name, type, labels }): [string, readonly string[]][] => {
      const all = [...labels, 'job', 'instance'];
      if (type !== 'histogram') return [[name, all]];
      return [
        [`${name}_bucket`, [...all, 'le']],
        [`${name}_sum`, all],
        [`${name}_count`, all],
      ];
    },
  ),
);

/** Values in the event schema and the catalogue, for labels with a closed set of values. */
const VALUES: ReadonlySet<string> = new Set([
  ...EVENT_TYPES.flatMap(({ rules }) => rules.map(({ kind }) => kind.expected))
    .filter((expected) => expected.startsWith('one of '))
    .flatMap((expected) => expected.slice('one of '.length).split(', ')),
  'active',
  'blocked',
  'stale',
  'blocking-coordination',
]);

test('a dashboard can be provisioned as it is: its uid is the name of its file, nothing is wrapped around it', (t) => {
  t.deepEqual([...DASHBOARDS.keys()].toSorted(), [
    'blocking-coordination',
    'blocking-coordination-phase',
    'blocking-coordination-swarm',
    'streamfold',
  ]);
  for (const [file, { uid }] of DASHBOARDS) t.is(uid, file);
});

test('a dashboard shows the last hour and refreshes every 10 s', (t) => {
  for (const { time, refresh, tags } of ALL) {
    t.deepEqual(time, { from: 'now-1h', to: 'now' });
    t.is(refresh, '10s');
    t.true(tags.includes('streamfold'));
  }
});

test('the main dashboard has its panels by title, kind and threshold', (t) => {
  const main = DASHBOARDS.get('blocking-coordination');
  const kinds = new Map(main?.panels.map(({ title, type }) => [title, type]));
  for (const [title, type] of [
    ['Active Blocking Coordinators', 'stat'],
    ['Blocking Duration P95/P99', 'timeseries'],
    ['Signal Delivery Latency P50/P95/P99', 'timeseries'],
    ['Heartbeat Failures Rate', 'timeseries'],
    ['Timeout Events Rate', 'timeseries'],
    ['Coordinators by Status', 'piechart'],
    ['Blocked by Swarm and Phase', 'table'],
    ['Waits in Progress', 'stat'],
    ['Oldest Wait', 'stat'],
    ['Signals Sent vs ACKed', 'timeseries'],
    ['Waits Finished', 'timeseries'],
  ] as const)
    t.is(kinds.get(title), type, title);
  const stat = main?.panels.find(({ title }) => title === 'Active Blocking Coordinators');
  t.deepEqual(stat?.fieldConfig.defaults.thresholds?.steps, [
    { value: null, color: 'green' },
    { value: 5, color: 'yellow' },
    { value: 10, color: 'red' },
  ]);
});

test('the panel of active blocking coordinators counts the blocked ones, and turns red when its alert is near', (t) => {
  const [target] = listTargets().filter(({ panel }) => panel.title === 'Active Blocking Coordinators');
  t.regex(target?.target.expr ?? '', /^sum\(blocking_coordinators_total\{[^}]*, status="blocked"\}\)\nor\n/);
});

test('the main dashboard names the blocked swarms and phases, the one with the oldest wait first', (t) => {
  const table = DASHBOARDS.get('blocking-coordination')?.panels.find(
    ({ title }) => title === 'Blocked by Swarm and Phase',
  );
  t.deepEqual(
    table?.targets.map(({ legendFormat }) => legendFormat),
    ['Blocked', 'Coordinators', 'Oldest wait'],
  );
  t.deepEqual(table?.options, { sortBy: [{ displayName: 'Oldest wait', desc: true }] });
});

test('rare events are shown per minute, and nothing as operations', (t) => {
  for (const { where, panel, target } of listTargets()) {
    const { unit } = panel.fieldConfig.defaults;
    t.not(unit, 'ops', where);
    t.is(unit === 'suffix: /min', target.expr.startsWith('60 * '), where);
  }
});

test('a quantile beyond the last bucket of its histogram is shown as above that bound, not as a value', (t) => {
  const last = new Map(
    CATALOGUE.flatMap((metric) =>
      metric.type === 'histogram' ? [[metric.name, metric.buckets.at(-1)] as const] : [],
    ),
  );
  let panels = 0;
  for (const { where, panel, target } of listTargets()) {
    if (panel.type !== 'timeseries' || !target.expr.startsWith('histogram_quantile')) continue;
    const bound = last.get(/(\w+)_bucket/.exec(target.expr)?.[1] ?? '');
    if (bound === undefined) continue;
    panels++;
    const texts = panel.fieldConfig.defaults.mappings?.[0]?.options[String(bound)];
    t.regex(texts?.text ?? '', /^over \d+[hms]$/, where);
    t.is(panel.fieldConfig.defaults.thresholds?.steps.at(-1)?.value, bound, where);
  }
  t.true(panels >= 4);
});

test('every panel has its own id, lies within the 24 columns, and overlaps no other', (t) => {
  for (const { uid, panels } of ALL) {
    t.deepEqual(
      panels.map(({ id }) => id),
      panels.map((_, at) => at + 1),
      uid,
    );
    const taken = new Map<string, string>();
    for (const { title, gridPos } of panels) {
      t.true(gridPos.x >= 0 && gridPos.x + gridPos.w <= 24, `${uid}, ${title}`);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          t.is(taken.get(`${x},${y}`), undefined, `${uid}, ${title} at ${x},${y}`);
          taken.set(`${x},${y}`, title);
        }
      }
    }
  }
});

test('every metric, label and label value that a query names exists', (t) => {
  for (const { where, dashboard, target } of listTargets()) {
    const { selectors, groupingLabels } = parsePromql(
      interpolateQuery(target.expr, dashboard, { durations: DURATIONS }),
    );
    const known = new Set(selectors.flatMap(({ metric }) => LABELS.get(metric) ?? []));
    for (const { metric, matchers } of selectors) {
      const labels = LABELS.get(metric);
      t.truthy(labels, `${where}: ${metric}`);
      for (const { label, operator, value } of matchers) {
        t.true(labels?.includes(label), `${where}: ${metric}{${label}}`);
        if (operator === '=') t.true(VALUES.has(value), `${where}: ${label}="${value}"`);
      }
    }
    const made = [...target.expr.matchAll(/label_replace\([\s\S]*?,\s+"(\w+)", "\$1"/g)].map(
      ([, label]) => label,
    );
    for (const label of groupingLabels)
      t.true(known.has(label) || made.includes(label), `${where}: ${label}`);
  }
});

test('every variable is used by every panel that shows a metric with its label', (t) => {
  for (const { where, dashboard, panel, target } of listTargets()) {
    const { selectors } = parsePromql(interpolateQuery(target.expr, dashboard, { durations: DURATIONS }));
    const labels = selectors.flatMap(({ metric }) => LABELS.get(metric) ?? []);
    for (const { name } of dashboard.templating.list.filter(({ type }) => type === 'query')) {
      if (!labels.includes(name) || isOfAllCoordinators(panel.title, name)) continue;
      t.regex(target.expr, new RegExp(`\\b\\w+=~"\\$${name}"`), `${where} uses $${name}`);
    }
  }
});

/** Sent signals have no coordinator: to be comparable, the ACKs are also those of all coordinators. */
function isOfAllCoordinators(title: string, variable: string): boolean {
  return title === 'Signals Sent vs ACKed' && variable === 'coordinator_id';
}

test('every variable of a dashboard is used by some of its panels', (t) => {
  for (const dashboard of ALL) {
    const text = panelsOf(dashboard)
      .flatMap(({ targets }) => targets.map(({ expr }) => expr))
      .join('\n');
    for (const { name, type } of dashboard.templating.list)
      if (type === 'query') t.true(text.includes(`"$${name}"`), `${dashboard.uid}: ${name}`);
  }
});

test('every dashboard marks alerts of every name and severity', (t) => {
  t.true(alertNames().length >= 13);
  for (const { uid, annotations } of ALL) {
    t.deepEqual(
      annotations.list.map(({ expr, enable }) => ({ expr, enable })),
      ['critical', 'warning', 'info'].map((severity) => ({
        expr: `ALERTS{alertname=~"${alertNames().join('|')}", alertstate="firing", severity="${severity}"}`,
        enable: true,
      })),
      uid,
    );
  }
});

test('a dashboard links to those of its kind with its variables, and to the others with the time range', (t) => {
  for (const { uid, tags, links } of ALL) {
    t.deepEqual(
      links.map(({ type, tags: [, kind], includeVars, keepTime }) => ({ type, kind, includeVars, keepTime })),
      ['swarm', 'pipeline'].map((kind) => ({
        type: 'dashboards',
        kind,
        includeVars: tags.includes(kind),
        keepTime: true,
      })),
      uid,
    );
  }
});

test('a click leads to an existing dashboard, with variables that both have, and a label that the value has', (t) => {
  let links = 0;
  for (const dashboard of ALL) {
    for (const panel of panelsOf(dashboard)) {
      for (const { url } of dataLinksOf(panel)) {
        links++;
        const where = `${dashboard.uid}, ${panel.title}: ${url}`;
        const [, uid = '', variable = '', value = ''] =
          /^\/d\/([a-z-]+)\?.*&var-(\w+)=\$\{([\w.]+):percentencode\}$/.exec(url) ?? [];
        const target = DASHBOARDS.get(uid);
        t.true(hasVariable(target, variable), where);
        for (const [, kept = ''] of url.matchAll(/\$\{(\w+):queryparam\}/g))
          t.true(hasVariable(dashboard, kept) && hasVariable(target, kept), `${where}: ${kept}`);
        t.true(url.includes('${__url_time_range}'), where);
        const label = /^__field\.labels\.(\w+)$/.exec(value)?.[1];
        if (label === undefined) t.is(value, '__value.raw', where);
        else for (const { legendFormat } of panel.targets) t.is(legendFormat, `{{${label}}}`, where);
      }
    }
  }
  t.true(links >= 10);
});

test('an alert leads to an existing dashboard, with variables that it has', (t) => {
  const urls = [...mixinFiles()]
    .filter(([path]) => path.startsWith('alerts/'))
    .flatMap(([, text]) => [...text.matchAll(/dashboard_url: "?(.*?)"?$/gm)].map(([, url]) => url ?? ''));
  t.true(urls.length >= alertNames().length);
  for (const url of urls) {
    const target = DASHBOARDS.get(/\/d\/([a-z-]+)(?:\?|$)/.exec(url)?.[1] ?? '');
    t.truthy(target, url);
    for (const [, name = ''] of url.matchAll(/[?&]var-(\w+)=/g)) t.true(hasVariable(target, name), url);
  }
});

function hasVariable(dashboard: DashboardJson | undefined, name: string): boolean {
  return dashboard?.templating.list.some((variable) => variable.name === name) ?? false;
}
