import { z } from 'zod';
import { CATALOGUE, type Metric } from '../catalogue.ts';
import { EVENT_TYPES } from '../event/event-types.ts';

/** Most buckets of a histogram: each is a separate series for each set of label values. */
const MOST_BUCKETS = 50;
const MOST_CUSTOM_METRICS = 200;
const MOST_LABELS = 10;
/** Series of one metric that are shown by default. Prometheus handles a few million series in total. */
export const DEFAULT_SERIES_LIMIT = 100_000;

const buckets = z
  .array(z.number('expected a number').positive('expected a number above 0'))
  .min(1, 'expected at least one bound')
  .max(MOST_BUCKETS, `expected at most ${MOST_BUCKETS} bounds`)
  .refine(isAscending, 'expected bounds in ascending order, each once');

function isAscending(bounds: readonly number[]): boolean {
  return bounds.every((bound, at) => at === 0 || bound > (bounds[at - 1] ?? 0));
}

/** The labels of a default metric to keep. Series that differ only in a dropped label become one. */
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

/** Gauges show the current state; their projection determines their labels. */
const ADJUSTABLE = CATALOGUE.filter(({ type }) => type !== 'gauge');

const custom = {
  name: z
    .string()
    .regex(/^[a-z][a-z0-9_]{2,99}$/, 'expected 3 to 100 characters of a-z 0-9 _, the first one a letter')
    .describe('Ends in _total for a counter, in _seconds for a histogram of a duration.'),
  help: z
    .string()
    .min(1, 'expected a text')
    .max(500, 'expected at most 500 characters')
    .describe('HELP text in Prometheus.'),
  event: z
    .enum(EVENT_TYPES.map(({ type }) => type) as [string, ...string[]])
    .describe('Type of the events to count or observe.'),
  labels: z
    .array(z.string())
    .max(MOST_LABELS, `expected at most ${MOST_LABELS} labels`)
    .default([])
    .describe('Fields of the event. A field that is missing from an event gives an empty label.'),
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
        .describe('Field of whole numbers to add up; without it each event counts as one.'),
    }),
    z.strictObject({
      type: z.literal('histogram'),
      ...custom,
      value: z.string().describe('Field to observe: a duration, or a whole number.'),
      buckets: buckets.describe('Upper bounds: in seconds for a duration, in its own unit for a number.'),
    }),
  ],
  'expected type "counter" or "histogram"',
);

/** The content of the configuration file. */
export const configurationSchema = z
  .strictObject({
    $schema: z.string().optional(),
    metrics: z
      .strictObject(Object.fromEntries(ADJUSTABLE.map((metric) => [metric.name, policyOf(metric)])))
      .default({})
      .describe('Different buckets or fewer labels for the default metrics.'),
    custom: z
      .array(customMetric)
      .max(MOST_CUSTOM_METRICS, `expected at most ${MOST_CUSTOM_METRICS} metrics`)
      .default([])
      .describe('Your own metrics.'),
    cardinality: z
      .strictObject({
        limit: z
          .int('expected a whole number')
          .min(0, 'expected 0 or more')
          .default(DEFAULT_SERIES_LIMIT)
          .describe('Series to show per metric and shard; further ones are combined into one. 0: no limit.'),
      })
      .default({ limit: DEFAULT_SERIES_LIMIT })
      .describe('Limits on the series that are shown. All are folded, so changing a limit needs no rebuild.'),
  })
  .describe('Configuration of Streamfold: which metrics are folded, and how.');

/** The keys that are allowed at a place in the file; none if any is allowed, or if it depends. */
export function listKeys([part, at]: readonly PropertyKey[]): readonly string[] {
  if (part === undefined) return ['metrics', 'custom', 'cardinality'];
  if (part === 'cardinality') return ['limit'];
  if (part === 'custom') return ['type', ...Object.keys(custom), 'value', 'buckets'];
  if (at === undefined) return ADJUSTABLE.map(({ name }) => name);
  const metric = ADJUSTABLE.find(({ name }) => name === at);
  return metric?.type === 'histogram' ? ['labels', 'buckets'] : ['labels'];
}

/** The same as a JSON Schema, for completion and checks in editors. */
export function describeConfigurationFile(): unknown {
  return z.toJSONSchema(configurationSchema, { io: 'input' });
}

export type CustomMetric = z.output<typeof customMetric>;
