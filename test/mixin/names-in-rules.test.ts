import { test } from '../harness/ava.ts';
import { describeProcessMetrics } from '@streamfold/aggregator';
import { CATALOGUE, knownLabelValues, type Metric } from '@streamfold/core';
import { PROCESS_JOB, ruleFiles, SWARM_JOB } from '@streamfold/mixin';
import { parse } from 'yaml';
import { z } from 'zod';
import { readTracked } from '../tidy/tracked-files.ts';

const Rule = z.looseObject({ alert: z.string().optional(), record: z.string().optional(), expr: z.string() });
const RuleFile = z.object({ groups: z.array(z.object({ rules: z.array(Rule) })) });
const Config = z.object({ scrape_configs: z.array(z.object({ job_name: z.string() })) });

const RULES = [...ruleFiles().values()].flatMap((text) =>
  RuleFile.parse(parse(text)).groups.flatMap(({ rules }) => rules),
);
const RECORDED = new Set(RULES.flatMap(({ record }) => record ?? []));

/** A selector: name, and the content of its braces. */
const SELECTOR = /([a-z_][\w:]*)(?:\{([^}]*)\})?/g;
const WORDS =
  /^(?:sum|max|count|by|on|and|or|ignoring|le|rate|increase|deriv|absent|time|up|histogram_quantile|label_replace|(?:last|min)_over_time)$/;

/** Metrics of targets that the rules read, without those that Prometheus adds. */
function readMetrics(expr: string): { name: string; matchers: string }[] {
  const bare = expr
    .replace(/\{__name__=~"([^"]*)"\}/g, (_, names: string) => names.replaceAll('|', ' '))
    .replace(/(?<=\b(?:by|on|ignoring) )\([^)]*\)/g, '')
    .replace(/\[\w+\]/g, '');
  const outsideTexts = bare.replace(/(?<=[(,] ?)"[^"]*"/g, '');
  return [...outsideTexts.matchAll(SELECTOR)]
    .map(([, name = '', matchers = '']) => ({ name, matchers }))
    .filter(({ name }) => !WORDS.test(name) && !RECORDED.has(name));
}

test('every metric that a rule reads is served, or recorded by another rule', (t) => {
  const served = new Set([
    ...CATALOGUE.flatMap(({ name, type }) =>
      type === 'histogram' ? PARTS.map((part) => name + part) : [name],
    ),
    ...describeProcessMetrics().map(({ name }) => name),
  ]);
  const read = RULES.flatMap(({ expr }) => readMetrics(expr).map(({ name }) => name));
  t.true(read.length > 20);
  t.deepEqual(
    read.filter((name) => !served.has(name)),
    [],
  );
});

const PARTS = ['_bucket', '_count', '_sum'];

test('every metric of the catalogue is recorded', (t) => {
  const missing = CATALOGUE.filter(
    ({ name }) => ![...RECORDED].some((record) => record.includes(`:${name}`)),
  );
  t.deepEqual(
    missing.map(({ name }) => name),
    [],
  );
});

test('the label values that the rules name are exactly those of the schema', (t) => {
  const metrics: readonly (readonly [string, Metric])[] = CATALOGUE.map((metric) => [metric.name, metric]);
  for (const { record, expr } of RULES.filter(({ expr: text }) => text.includes('label_replace('))) {
    const [level = '', name = ''] = record?.split(':') ?? [];
    const metric = metrics.find(([each]) => name.startsWith(each))?.[1];
    if (metric === undefined) throw new Error(`expected a metric of the catalogue: ${record ?? expr}`);
    for (const label of metric.labels.filter((each) => level.split('_').includes(each) || level === each)) {
      const named = [...expr.matchAll(new RegExp(`"${label}", "(\\w+)"`, 'g'))].map(
        ([, value = '']) => value,
      );
      if (named.length > 0)
        t.deepEqual([...new Set(named)].toSorted(), knownLabelValues(metric, label).toSorted(), record);
    }
  }
});

test('the jobs that the rules name are those of the Prometheus configuration', (t) => {
  const jobs = RULES.flatMap(({ expr }) => [...expr.matchAll(/\bjob="([^"]*)"/g)].map(([, job = '']) => job));
  t.deepEqual([...new Set(jobs)].toSorted(), [SWARM_JOB, PROCESS_JOB].toSorted());
  const { scrape_configs: configs } = Config.parse(parse(readTracked('infra/prometheus/prometheus.yml')));
  t.deepEqual(
    configs.map(({ job_name }) => job_name),
    [SWARM_JOB, PROCESS_JOB],
  );
});
