import { z } from 'zod';
import { CATALOGUE, type Metric } from '../catalogue.ts';
import { EVENT_TYPES } from '../event/event-types.ts';

/** Most buckets of a histogram: each is a series of its own, for each set of label values. */
const MOST_BUCKETS = 50;
const MOST_CUSTOM_METRICS = 200;
const MOST_LABELS = 10;
/** Series of one metric that are shown by default. Prometheus bears some millions of all metrics together. */
export const DEFAULT_SERIES_LIMIT = 100_000;

const buckets = z
  .array(z.number('expected a number').positive('expected a number above 0'))
  .min(1, 'expected at least one bound')
  .max(MOST_BUCKETS, `expected at most ${MOST_BUCKETS} bounds`)
  .refine(isAscending, 'expected bounds in ascending order, each once');

function isAscending(bounds: readonly number[]): boolean {
  return bounds.every((bound, at) => at === 0 || bound > (bounds[at - 1] ?? 0));
}

/** Which labels of a metric that is there anyway are kept. Series that differ only in a dropped label are one. */
function labelPolicy({ labels }: Metric): z.ZodType {
  const names = z.array(z.enum(labels as [string, ...string[]]));
  return z.union(
    [
      z.strictObject({ drop: names.describe('All labels but these are kept.') }),
      z.strictObject({ keep: names.describe('Only these labels are kept.') }),
    ],
    `expected { drop: […] } or { keep: […] } with some of ${labels.join(', ')}`,
  );
}

function policyOf(metric: Metric): z.ZodType {
  const labels = labelPolicy(metric).optional();
  const shape =
    metric.type === 'histogram'
      ? {
          labels,
          buckets: buckets
            .optional()
            .describe(`Upper bounds in seconds; default ${metric.buckets.join(', ')}.`),
        }
      : { labels };
  return z.strictObject(shape).optional().describe(metric.help);
}

/** Gauges say how things are now, by labels that their projection gives. */
const ADJUSTABLE = CATALOGUE.filter(({ type }) => type !== 'gauge');

const custom = {
  name: z
    .string()
    .regex(/^[a-z][a-z0-9_]{2,99}$/, 'expected 3 to 100 characters of a-z 0-9 _, the first one a letter')
    .describe('Of a counter it ends in _total, of a histogram of a duration in _seconds.'),
  help: z
    .string()
    .min(1, 'expected a text')
    .max(500, 'expected at most 500 characters')
    .describe('What Prometheus shows as HELP.'),
  event: z
    .enum(EVENT_TYPES.map(({ type }) => type) as [string, ...string[]])
    .describe('Type of the events that are counted or observed.'),
  labels: z
    .array(z.string())
    .max(MOST_LABELS, `expected at most ${MOST_LABELS} labels`)
    .default([])
    .describe('Fields of the event. A field that an event leaves out gives an empty label.'),
};

const customMetric = z.discriminatedUnion(
  'type',
  [
    z.strictObject({
      type: z.literal('counter'),
      ...custom,
      value: z
        .string()
        .optional()
        .describe('Field of whole numbers that is added up; without it each event counts as one.'),
    }),
    z.strictObject({
      type: z.literal('histogram'),
      ...custom,
      value: z.string().describe('Field that is observed: a duration, or a whole number.'),
      buckets: buckets.describe('Upper bounds: of a duration in seconds, of a number in its own units.'),
    }),
  ],
  'expected type "counter" or "histogram"',
);

/** What the configuration file may hold. */
export const configurationSchema = z
  .strictObject({
    $schema: z.string().optional(),
    metrics: z
      .strictObject(Object.fromEntries(ADJUSTABLE.map((metric) => [metric.name, policyOf(metric)])))
      .default({})
      .describe('Other buckets, and fewer labels, of the metrics that are there anyway.'),
    custom: z
      .array(customMetric)
      .max(MOST_CUSTOM_METRICS, `expected at most ${MOST_CUSTOM_METRICS} metrics`)
      .default([])
      .describe('Metrics of your own.'),
    cardinality: z
      .strictObject({
        limit: z
          .int('expected a whole number')
          .min(0, 'expected 0 or more')
          .default(DEFAULT_SERIES_LIMIT)
          .describe(
            'Series of one metric and shard that are shown; all further ones are shown as one. 0: no limit.',
          ),
      })
      .default({ limit: DEFAULT_SERIES_LIMIT })
      .describe('How many series are shown. All are folded, so another limit needs no rebuild.'),
  })
  .describe('Configuration of Streamfold: which metrics are folded, and how.');

/** Keys that may stand at a place in the file; none where any may, or where it depends. */
export function listKeys([part, at]: readonly PropertyKey[]): readonly string[] {
  if (part === undefined) return ['metrics', 'custom', 'cardinality'];
  if (part === 'cardinality') return ['limit'];
  if (part === 'custom') return ['type', ...Object.keys(custom), 'value', 'buckets'];
  if (at === undefined) return ADJUSTABLE.map(({ name }) => name);
  const metric = ADJUSTABLE.find(({ name }) => name === at);
  return metric?.type === 'histogram' ? ['labels', 'buckets'] : ['labels'];
}

/** The same as a JSON Schema, by which an editor completes and checks the file. */
export function describeConfigurationFile(): unknown {
  return z.toJSONSchema(configurationSchema, { io: 'input' });
}

export type CustomMetric = z.output<typeof customMetric>;
