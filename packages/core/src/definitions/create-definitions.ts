import type { z } from 'zod';
import {
  CATALOGUE,
  type Catalogue,
  type CounterMetric,
  type HistogramMetric,
  type Metric,
} from '../catalogue.ts';
import type { Event } from '../event/event-types.ts';
import { configurationSchema, DEFAULT_SERIES_LIMIT, type CustomMetric } from './configuration-schema.ts';
import { describeIssue } from './describe-issue.ts';
import { listEventFields, type EventField } from './event-field.ts';

/** Which metrics are folded, and how many of their series are shown. */
export interface Definitions {
  readonly catalogue: Catalogue;
  /** Series of one metric and shard that are shown; 0: all. */
  readonly seriesLimit: number;
}

/** The definitions without a configuration file. */
export const DEFAULT_DEFINITIONS: Definitions = { catalogue: CATALOGUE, seriesLimit: DEFAULT_SERIES_LIMIT };

/** The problems, one line each: where, what was expected, what arrived. */
export type CreatedDefinitions =
  | { readonly outcome: 'created'; readonly definitions: Definitions }
  | { readonly outcome: 'invalid'; readonly problems: readonly string[] };

/** Builds the definitions from the content of a configuration file. */
export function createDefinitions(content: unknown): CreatedDefinitions {
  const parsed = configurationSchema.safeParse(content);
  if (!parsed.success) {
    return {
      outcome: 'invalid',
      problems: parsed.error.issues.map((issue) => describeIssue(issue, content)),
    };
  }
  const { metrics, custom, cardinality } = parsed.data;
  const problems: string[] = [];
  const names = new Set(CATALOGUE.flatMap(listSampleNames));
  const own: Metric[] = [];
  for (const [index, row] of custom.entries()) {
    const at = `custom[${index}]`;
    const { metric, faults } = createMetric(row);
    problems.push(...faults.map((fault) => `${at}.${fault}`));
    if (metric === undefined) continue;
    const taken = listSampleNames(metric).find((name) => names.has(name));
    if (taken !== undefined)
      problems.push(`${at}.name: expected a name that is not taken; got ${quote(taken)}`);
    for (const name of listSampleNames(metric)) names.add(name);
    own.push(metric);
  }
  if (problems.length > 0) return { outcome: 'invalid', problems };
  const adjusted = CATALOGUE.map((metric) => adjust(metric, metrics[metric.name] as Policy | undefined));
  return {
    outcome: 'created',
    definitions: { catalogue: [...adjusted, ...own], seriesLimit: cardinality.limit },
  };
}

interface Policy {
  readonly buckets?: readonly number[];
  readonly labels?: { readonly drop: readonly string[] } | { readonly keep: readonly string[] };
}

function adjust(metric: Metric, policy: Policy | undefined): Metric {
  if (policy === undefined) return metric;
  const { labels: choice, buckets } = policy;
  const isKept = (label: string): boolean =>
    choice === undefined || ('drop' in choice ? !choice.drop.includes(label) : choice.keep.includes(label));
  const labels = metric.labels.filter(isKept);
  return metric.type === 'histogram' && buckets !== undefined
    ? { ...metric, labels, buckets }
    : { ...metric, labels };
}

/** Names of the samples of a metric: no other metric may have one of them. */
function listSampleNames({ type, name }: Metric): string[] {
  return type === 'histogram'
    ? [name, ...['bucket', 'sum', 'count'].map((part) => `${name}_${part}`)]
    : [name];
}

function createMetric(row: CustomMetric): { metric: Metric | undefined; faults: readonly string[] } {
  const fields = listEventFields(row.event);
  const value = fields.find(({ name }) => name === row.value);
  const faults = [...checkName(row, value), ...checkLabels(row, fields), ...checkValue(row, fields)];
  if (faults.length > 0) return { metric: undefined, faults };
  const { name, help, labels } = row;
  const event = row.event as Event['type'];
  if (row.type === 'counter') {
    const added = value === undefined ? {} : { value: value.decodedName };
    const counter: CounterMetric = { type: 'counter', name, help, labels, event, ...added };
    return { metric: counter, faults };
  }
  const unit = value?.kind === 'duration' ? ({ unit: 'seconds' } as const) : {};
  const histogram: HistogramMetric = {
    type: 'histogram',
    name,
    help,
    ...unit,
    labels,
    event,
    value: value?.decodedName ?? '',
    buckets: row.buckets,
  };
  return { metric: histogram, faults };
}

function checkName({ type, name }: CustomMetric, value: EventField | undefined): string[] {
  if (name.startsWith('streamfold_')) {
    return [`name: expected a name that does not begin with streamfold_; got ${quote(name)}`];
  }
  const ending = type === 'counter' ? '_total' : value?.kind === 'duration' ? '_seconds' : '';
  if (!name.endsWith(ending)) return [`name: expected a name that ends in ${ending}; got ${quote(name)}`];
  return type === 'histogram' && name.endsWith('_total')
    ? [`name: expected a name that does not end in _total; got ${quote(name)}`]
    : [];
}

function checkLabels({ event, labels }: CustomMetric, fields: readonly EventField[]): string[] {
  const usable = fields.filter(({ kind }) => kind === 'text' || kind === 'number').map(({ name }) => name);
  return labels.flatMap((label, at) => {
    if (!usable.includes(label)) {
      return [
        `labels[${at}]: expected a field of ${event}, one of ${usable.join(', ')}; got ${quote(label)}`,
      ];
    }
    return labels.indexOf(label) === at
      ? []
      : [`labels[${at}]: expected each label once; got ${quote(label)} again`];
  });
}

function checkValue({ type, event, value }: CustomMetric, fields: readonly EventField[]): string[] {
  if (value === undefined) return [];
  const kinds: readonly EventField['kind'][] = type === 'counter' ? ['number'] : ['number', 'duration'];
  const usable = fields.filter(({ kind }) => kinds.includes(kind)).map(({ name }) => name);
  if (usable.includes(value)) return [];
  const what = type === 'counter' ? 'whole numbers' : 'durations or whole numbers';
  const which = usable.length === 0 ? 'it has none' : `one of ${usable.join(', ')}`;
  return [`value: expected a field of ${event} that holds ${what} (${which}); got ${quote(value)}`];
}

function quote(value: unknown): string {
  return JSON.stringify(value);
}

/** The type of a configuration file, for files written in TypeScript. */
export type StreamfoldConfiguration = z.input<typeof configurationSchema>;
