import {
  CATALOGUE,
  createCoordinatorGauges,
  createSeriesRenderer,
  EXPOSITION_ENDS,
  readCoordinator,
  renderHead,
  type CoordinatorGauges,
  type Delta,
  type ExpositionFormat,
  type Metric,
  type SeriesValue,
} from '@streamfold/core';

/** The exposition of a state at `nowMs`, everything computed from scratch, series sorted. */
export function exposeState(state: Delta, format: ExpositionFormat = 'text', nowMs = 0): string {
  const gauges = createCoordinatorGauges(() => undefined);
  for (const [key, registers] of state.coordinators) {
    gauges.set(key, readCoordinator(registers));
  }
  let text = '';
  for (const metric of CATALOGUE) {
    const render = createSeriesRenderer(metric, format);
    const series = [...seriesOf(metric, state, gauges, nowMs)].toSorted(([a], [b]) => (a < b ? -1 : 1));
    text += renderHead(metric, format) + series.map(([key, value]) => render(key, value)).join('');
  }
  return text + EXPOSITION_ENDS[format];
}

function seriesOf(
  ...[metric, state, gauges, nowMs]: [Metric, Delta, CoordinatorGauges, number]
): Iterable<[string, SeriesValue]> {
  if (metric.type !== 'gauge') return state.series.get(metric.name) ?? [];
  switch (metric.projection) {
    case 'coordinators_alive':
      return gauges.alive;
    case 'open_waits':
      return gauges.openWaits;
    case 'oldest_open_wait':
      return [...gauges.openWaits.keys()].map((swarmId) => {
        const startedMs = gauges.oldestWaitMs(swarmId);
        return [swarmId, startedMs === undefined ? 0 : (nowMs - startedMs) / 1_000];
      });
  }
}
