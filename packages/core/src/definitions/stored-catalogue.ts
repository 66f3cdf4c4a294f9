import { z } from 'zod';
import type { Catalogue, Metric } from '../catalogue.ts';
import { EVENT_TYPES } from '../event/event-types.ts';
import { listEventFields } from './event-field.ts';

const eventType = z.enum(EVENT_TYPES.map(({ type }) => type) as [Metric['name'], ...string[]]);
const named = { name: z.string(), help: z.string(), labels: z.array(z.string()) };
const seconds = z.literal('seconds');

const metricSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('counter'),
    ...named,
    event: eventType,
    value: z.string().exactOptional(),
  }),
  z.strictObject({
    type: z.literal('histogram'),
    ...named,
    unit: seconds.exactOptional(),
    event: eventType,
    value: z.string(),
    buckets: z.array(z.number()),
  }),
  z.strictObject({
    type: z.literal('gauge'),
    ...named,
    unit: seconds.exactOptional(),
    projection: z.enum(['coordinators_alive', 'open_waits', 'oldest_open_wait']),
  }),
]);

/**
 * How the delta log of a generation is written. An earlier version writes and reads JSON only, and records the catalogue as a
 * bare array; it does not understand the form below, so it neither folds nor shows a generation whose deltas it cannot read.
 */
export type DeltaForm = 'json' | 'binary';

const storedSchema = z.strictObject({ deltas: z.literal('binary'), metrics: z.array(z.unknown()) });

/**
 * The text of a catalogue, as stored with the state that is folded with it; deltas are then written in the binary form. Its
 * fields always have the same order.
 */
export function encodeCatalogue(catalogue: Catalogue): string {
  const metrics = catalogue.map((metric) => metricSchema.parse(metric));
  return JSON.stringify({ deltas: 'binary', metrics });
}

/** The part of a catalogue that determines the folded state: everything but the help texts. */
export function encodeMeaning(catalogue: Catalogue): string {
  return JSON.stringify(catalogue.map((metric) => ({ ...metricSchema.parse(metric), help: undefined })));
}

/** The catalogue, or the first thing in it that this program does not know: an event type, a field, a projection. */
export type StoredCatalogue =
  | { readonly outcome: 'readable'; readonly catalogue: Catalogue; readonly deltaForm: DeltaForm }
  | { readonly outcome: 'unreadable'; readonly detail: string };

/** Reads the output of `encodeCatalogue` of this program, or of an older or newer one. */
export function readCatalogue(text: string): StoredCatalogue {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return { outcome: 'unreadable', detail: 'expected JSON; got something else' };
  }
  const stored = storedSchema.safeParse(parsed);
  if (!stored.success && !Array.isArray(parsed))
    return { outcome: 'unreadable', detail: 'expected metrics, and a known form of their deltas' };
  const metrics: unknown = stored.success ? stored.data.metrics : parsed;
  const result = z.array(metricSchema).safeParse(metrics);
  if (!result.success) {
    const [issue] = result.error.issues;
    return {
      outcome: 'unreadable',
      detail: `${nameOf(metrics, issue?.path ?? [])}: ${issue?.message ?? 'not understood'}`,
    };
  }
  const catalogue = result.data as unknown as Catalogue;
  for (const metric of catalogue) {
    const stranger = findUnknownField(metric);
    if (stranger !== undefined) {
      return {
        outcome: 'unreadable',
        detail: `metric ${metric.name}: expected a field of ${'event' in metric ? metric.event : 'its projection'}; got ${stranger}`,
      };
    }
  }
  return { outcome: 'readable', catalogue, deltaForm: stored.success ? 'binary' : 'json' };
}

/** Names the metric and its property. */
function nameOf(parsed: unknown, [at, ...rest]: readonly PropertyKey[]): string {
  const metric: unknown = Array.isArray(parsed) ? parsed[Number(at)] : undefined;
  const name: unknown =
    typeof metric === 'object' && metric !== null ? Reflect.get(metric, 'name') : undefined;
  return `metric ${typeof name === 'string' ? name : String(at)}${rest.map((each) => `, ${String(each)}`).join('')}`;
}

function findUnknownField(metric: Metric): string | undefined {
  if (metric.type === 'gauge') return undefined;
  const known = new Set(listEventFields(metric.event).map(({ decodedName }) => decodedName));
  const fields = metric.value === undefined ? metric.labels : [...metric.labels, metric.value];
  return fields.find((field) => !known.has(field));
}
