import type { CoordinatorGauges, GaugeMetric, Metric, SeriesKey } from '@streamfold/core';

/** The value of a gauge at a moment of Redis's clock; `undefined` if there is no such series. */
export function readGauge(
  view: { readonly gauges: CoordinatorGauges; readonly serverTimeMs: number },
  { projection }: GaugeMetric,
  key: SeriesKey,
): number | undefined {
  switch (projection) {
    case 'coordinators_alive':
      return view.gauges.alive.get(key);
    case 'open_waits':
      return view.gauges.openWaits.get(key);
    case 'oldest_open_wait': {
      if (!view.gauges.openWaits.has(key)) return undefined;
      const startedMs = view.gauges.oldestWaitMs(key);
      return startedMs === undefined ? 0 : Math.max(0, view.serverTimeMs - startedMs) / 1_000;
    }
  }
}

/** An age changes with the clock, without an event. */
export function isAge(metric: Metric): metric is GaugeMetric {
  return metric.type === 'gauge' && metric.projection === 'oldest_open_wait';
}
