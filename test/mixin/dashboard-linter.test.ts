import { test } from '../harness/ava.ts';
import { CATALOGUE } from '@streamfold/core';
import { describeProcessMetrics } from '@streamfold/aggregator';
import { interpolateQuery } from './interpolate-query.ts';
import { parsePromql, type ParsedQuery } from './parse-promql.ts';
import { DASHBOARDS, listTargets, panelsOf, type DashboardJson, type TargetJson } from './read-dashboards.ts';

// The rules of Grafana's dashboard-linter, under their names there. Its rules for Loki do not apply here, and its rules
// for some kinds of panels are applied to all of ours.

const ALL = [...DASHBOARDS.values()];
const PANELS = ALL.flatMap((dashboard) =>
  panelsOf(dashboard).map((panel) => ({ where: `${dashboard.uid}, ${panel.title}`, panel })),
);

/** Durations that nobody would write: each stands for a variable. */
const MARKS = { rateInterval: '2468m', range: '1357m' };

/** Parses a query with its variables replaced, except those inside strings, which stay as written. */
function parseTarget({ expr }: TargetJson, dashboard: DashboardJson): ParsedQuery {
  const outside = expr
    .split('"')
    .map((part, at) => (at % 2 === 0 ? interpolateQuery(part, dashboard, { durations: MARKS }) : part));
  return parsePromql(outside.join('"'));
}

/** Every query of every panel. @throws if one is not PromQL. */
function parseAll(): { where: string; query: ParsedQuery }[] {
  return listTargets().map(({ where, dashboard, target }) => ({
    where,
    query: parseTarget(target, dashboard),
  }));
}

test('there are dashboards, panels and queries to look at', (t) => {
  t.is(ALL.length, 4);
  t.true(PANELS.length > 40);
  t.true(parseAll().length > 60);
});

test('template-datasource-rule: a dashboard has one data source, which is a variable', (t) => {
  for (const { uid, templating } of ALL) {
    const datasources = templating.list.filter(({ type }) => type === 'datasource');
    t.deepEqual(
      datasources.map(({ name, label, query }) => ({ name, label, query })),
      [{ name: 'datasource', label: 'Data source', query: 'prometheus' }],
      uid,
    );
  }
});

for (const [name, label] of [
  ['job', 'Job'],
  ['instance', 'Instance'],
] as const) {
  test(`template-${name}-rule: a dashboard has the variable ${name}, which takes one, several or all values`, (t) => {
    for (const { uid, templating } of ALL) {
      const variable = templating.list.find((each) => each.name === name);
      t.like(
        variable,
        { type: 'query', label, multi: true, allValue: '.+', datasource: { uid: '${datasource}' } },
        uid,
      );
    }
  });

  test(`target-${name}-rule: every selector is narrowed by the variable ${name}`, (t) => {
    const wide = parseAll().flatMap(({ where, query }) =>
      query.selectors
        .filter(
          ({ matchers }) =>
            !matchers.some(
              (each) => each.label === name && each.operator === '=~' && each.value === `$${name}`,
            ),
        )
        .map(({ metric }) => `${where}: ${metric}`),
    );
    t.deepEqual(wide, []);
  });
}

test('template-label-promql-rule: variables query the values of a label of series selected by PromQL', (t) => {
  for (const dashboard of ALL) {
    for (const { name, query } of dashboard.templating.list.filter(({ type }) => type === 'query')) {
      const [, selector = ''] = /^label_values\((.+), \w+\)$/.exec(query) ?? [];
      t.is(parsePromql(selector).selectors.length, 1, `${dashboard.uid}, ${name}: ${query}`);
    }
  }
});

test('template-on-time-change-reload-rule: variables are read again when the time range changes', (t) => {
  for (const { uid, templating } of ALL) {
    const queried = templating.list.filter(({ type }) => type === 'query');
    t.deepEqual(
      queried.filter(({ refresh }) => refresh !== 2).map(({ name }) => name),
      [],
      uid,
    );
  }
});

test('panel-datasource-rule: every panel, query and annotation uses the chosen data source', (t) => {
  const used = [
    ...PANELS.flatMap(({ where, panel }) =>
      [panel.datasource, ...panel.targets.map(({ datasource }) => datasource)].map((each) => ({
        where,
        each,
      })),
    ),
    ...ALL.flatMap(({ uid, annotations }) =>
      annotations.list.map(({ datasource }) => ({ where: uid, each: datasource })),
    ),
  ];
  t.deepEqual(
    used.filter(({ each }) => each?.uid !== '${datasource}' || each.type !== 'prometheus'),
    [],
  );
});

test('panel-title-description-rule: every panel has a title and a description', (t) => {
  t.deepEqual(
    PANELS.filter(({ panel }) => panel.title === '' || panel.description.length < 10).map(
      ({ where }) => where,
    ),
    [],
  );
});

/** The units of Grafana that are used. */
const UNITS = new Set(['none', 'short', 's', 'cps', 'suffix: /s', 'suffix: /min', 'bytes', 'percentunit']);

test('panel-units-rule: every panel has a unit that Grafana knows', (t) => {
  t.deepEqual(
    PANELS.filter(({ panel }) => !UNITS.has(panel.fieldConfig.defaults.unit ?? '')).map(({ where }) => where),
    [],
  );
});

test('panel-no-targets-rule: every panel has a query', (t) => {
  t.deepEqual(
    PANELS.filter(({ panel }) => panel.targets.length === 0).map(({ where }) => where),
    [],
  );
});

test('target-promql-rule: every query is PromQL', (t) => {
  for (const { where, query } of parseAll()) t.true(query.selectors.length > 0, where);
  for (const { annotations } of ALL)
    for (const { expr } of annotations.list) t.is(parsePromql(expr).selectors[0]?.metric, 'ALERTS');
  t.throws(() => parsePromql('sum(rate(a[5m])'), { message: /expected PromQL/ });
});

test('target-rate-interval-rule: every rate is over $__rate_interval', (t) => {
  const others = parseAll().flatMap(({ where, query }) =>
    query.selectors
      .filter(({ call, range }) => (call === 'rate' || call === 'irate') && range !== MARKS.rateInterval)
      .map(({ metric }) => `${where}: ${metric}`),
  );
  t.deepEqual(others, []);
  t.true(parseAll().some(({ query }) => query.selectors.some(({ range }) => range === MARKS.rateInterval)));
});

test('target-counter-agg-rule: counters are queried for their rate or increase, gauges for their value', (t) => {
  const types = new Map(
    [...CATALOGUE, ...describeProcessMetrics()].map(({ name, type }) => [name, type] as const),
  );
  for (const { where, query } of parseAll()) {
    for (const { metric, call } of query.selectors) {
      const rated = call === 'rate' || call === 'increase';
      // Whether a coordinator is known does not depend on the value of its counter.
      if (metric === 'up' || (metric === 'blocking_duration_seconds_count' && !rated)) continue;
      t.is(rated, types.get(metric) !== 'gauge', `${where}: ${metric}`);
    }
  }
});

test('uneditable-dashboard: a dashboard cannot be edited, because it is generated from the code', (t) => {
  for (const { uid, editable } of ALL) t.false(editable, uid);
});
