import { Registry } from 'prom-client';
import { createProcessMetrics } from './process-metrics.ts';

/** A metric of this process, without its values. */
export interface ProcessMetricDescription {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds of a histogram's buckets, in the unit in its name; none for other metrics. */
  readonly buckets: readonly number[];
}

/** Every metric that `/metrics` shows, by name: read from the registry, for the reference in the docs and for tests. */
export function describeProcessMetrics(): ProcessMetricDescription[] {
  const registry = new Registry();
  createProcessMetrics('', registry);
  return registry
    .getMetricsAsArray()
    .map((metric) => ({
      name: metric.name,
      type: String(metric.type),
      help: metric.help,
      labels: listOf(metric, 'labelNames').filter((label) => typeof label === 'string'),
      buckets: listOf(metric, 'upperBounds').filter((bound) => typeof bound === 'number'),
    }))
    .toSorted((left, right) => (left.name < right.name ? -1 : 1));
}

/** Properties of a metric that prom-client has but its types do not declare. */
function listOf(metric: object, property: string): readonly unknown[] {
  const value: unknown = Reflect.get(metric, property);
  return Array.isArray(value) ? value : [];
}
