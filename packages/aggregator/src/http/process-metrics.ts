import { HEALTH_REASON_NAMES, type HealthReason } from '@streamfold/core';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Fact } from '../run/fact.ts';
import {
  OPEN,
  PROCESS_METRIC_ROWS,
  type IdOfType,
  type ProcessMetricId,
  type ProcessMetricRow,
} from './process-metric-rows.ts';
import type { ShardMeasurement } from './read-health.ts';
import { recordFact, type MetricWriter } from './record-fact.ts';

/** The metrics of this process: its own health, not the swarm's. */
export interface ProcessMetrics {
  observe(fact: Fact): void;
  scraped(seconds: number): void;
  /** A scrape was refused because the process is busy. */
  refused(): void;
  measured(measurement: ShardMeasurement): void;
  /** The reasons that are present, as the health endpoint shows them. */
  stated(reasons: ReadonlySet<HealthReason>): void;
  setSeries(count: number, foldedTogether: ReadonlyMap<string, number>): void;
  readonly contentType: string;
  render(): Promise<string>;
}

/** Gauges named like counters, which prom-client keeps for old dashboards; each also exists under its right name. */
const MISNAMED_METRICS = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
] as const;

/** The metrics of a process that has just started, in a registry of their own. */
export function createProcessMetrics(version: string, registry = new Registry()): ProcessMetrics {
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED_METRICS) registry.removeSingleMetric(name);
  const metrics = registerMetrics(registry);
  metrics.set('buildInfo', 1, { version });
  return {
    observe: (fact) => recordFact(metrics, fact),
    scraped: (seconds) => metrics.observe('scrapeSeconds', seconds),
    refused: () => metrics.add('refusedScrapes', 1),
    measured({ shard, lag, deadLetters, monitorAgeSeconds, setAside }) {
      metrics.set('lagEntries', lag.lagEntries, { shard });
      metrics.set('lagSeconds', lag.lagSeconds, { shard });
      metrics.set('pendingEntries', lag.pendingEntries, { shard });
      metrics.set('streamEntries', lag.streamEntries, { shard });
      metrics.set('consumers', lag.consumers, { shard });
      metrics.set('keptDeadLetters', deadLetters, { shard });
      metrics.set('monitorAge', monitorAgeSeconds, { shard });
      metrics.set('keptSetAside', setAside, { shard });
    },
    stated(reasons) {
      for (const reason of HEALTH_REASON_NAMES)
        metrics.set('healthReason', reasons.has(reason) ? 1 : 0, { reason });
    },
    setSeries(count, foldedTogether) {
      metrics.set('series', count);
      metrics.clear('foldedTogether');
      for (const [metric, folded] of foldedTogether) metrics.set('foldedTogether', folded, { metric });
    },
    contentType: registry.contentType,
    render: () => registry.metrics(),
  };
}

type Registered = Counter | Gauge | Histogram;

/** Every metric of the table, with 0 for each series that can be known: a counter born at 1 is invisible to `rate()`. */
function registerMetrics(registry: Registry): MetricWriter & { clear(id: IdOfType<'gauge'>): void } {
  const registered = new Map<string, Registered>(
    Object.entries(PROCESS_METRIC_ROWS).map(([id, row]) => [id, register(row, registry)]),
  );
  const find = (id: ProcessMetricId): Registered => {
    const metric = registered.get(id);
    if (metric === undefined) throw new RangeError(`expected a metric of the table; got ${id}`);
    return metric;
  };
  return {
    add(id, value, ...[labels]) {
      const metric = find(id);
      if (metric instanceof Counter) metric.inc({ ...labels }, value);
    },
    set(id, value, ...[labels]) {
      const metric = find(id);
      if (metric instanceof Gauge) metric.set({ ...labels }, value);
    },
    observe(id, value) {
      const metric = find(id);
      if (metric instanceof Histogram) metric.observe(value);
    },
    clear: (id) => find(id).reset(),
  };
}

function register(
  { type, name, help, labels = {}, buckets }: ProcessMetricRow,
  registry: Registry,
): Registered {
  const settings = { name, help, labelNames: Object.keys(labels), registers: [registry] };
  if (type === 'histogram') return new Histogram({ ...settings, buckets: [...(buckets ?? [])] });
  const metric = type === 'counter' ? new Counter(settings) : new Gauge(settings);
  for (const [label, values] of Object.entries(labels)) {
    for (const value of values === OPEN ? [] : values) metric.inc({ [label]: value }, 0);
  }
  return metric;
}
