import { timeSeriesPanel } from '../panel/time-series-panel.ts';
import { sumBy } from '../promql.ts';
import { selectProcessSeries } from '../select-series.ts';
import { THIRD } from './panel-sizes.ts';
import { ofAggregators, rate } from './process-queries.ts';

/** The resources that an aggregator uses. */
export function processPanels() {
  return [
    timeSeriesPanel({
      ...THIRD,
      title: 'Memory',
      description: 'Resident memory of each aggregator.',
      unit: 'bytes',
      queries: [
        {
          expr: `max by (instance) (${ofAggregators(selectProcessSeries('process_resident_memory_bytes'))})`,
          legend: '{{instance}}',
        },
      ],
    }),
    timeSeriesPanel({
      ...THIRD,
      title: 'CPU',
      description: 'Share of one core that each aggregator uses.',
      unit: 'percentunit',
      queries: [
        {
          expr: sumBy(['instance'], ofAggregators(rate('process_cpu_seconds_total'))),
          legend: '{{instance}}',
        },
      ],
    }),
    timeSeriesPanel({
      ...THIRD,
      title: 'Event Loop Lag P99',
      description:
        'Time for which the event loop of each aggregator is blocked: every scrape and commit waits for it.',
      unit: 's',
      queries: [
        {
          expr: `max by (instance) (${ofAggregators(selectProcessSeries('nodejs_eventloop_lag_p99_seconds'))})`,
          legend: '{{instance}}',
        },
      ],
    }),
  ];
}
