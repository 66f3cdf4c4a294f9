import { timeSeriesPanel } from '../panel/time-series-panel.ts';
import { sumBy } from '../promql.ts';
import { THIRD } from './panel-sizes.ts';
import { rate } from './process-queries.ts';

/** What could not be folded, was lost, or failed. */
export function lossPanels() {
  return [
    timeSeriesPanel({
      ...THIRD,
      title: 'Dead Letters by Reason',
      description:
        'Events that became dead letters, per second. List them with the command dead-letters list.',
      unit: 'ops',
      queries: [{ expr: sumBy(['reason'], rate('streamfold_dead_letters_total')), legend: '{{reason}}' }],
    }),
    timeSeriesPanel({
      ...THIRD,
      title: 'Entries Lost by Reason',
      description:
        'Entries that can never be folded, per second: the stream was trimmed before they were folded.',
      unit: 'ops',
      queries: [{ expr: sumBy(['reason'], rate('streamfold_entries_lost_total')), legend: '{{reason}}' }],
      colors: { trimmed: 'red' },
    }),
    timeSeriesPanel({
      ...THIRD,
      title: 'Failures by Step',
      description: 'Series of failed attempts per second, by step. Each step is retried until it succeeds.',
      unit: 'ops',
      queries: [{ expr: sumBy(['step'], rate('streamfold_failures_total')), legend: '{{step}}' }],
    }),
  ];
}
