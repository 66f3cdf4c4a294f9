import { timeSeriesPanel } from '../panel/time-series-panel.ts';
import { perMinute, sumBy } from '../promql.ts';
import { PER_MINUTE } from '../units.ts';
import { THIRD } from './panel-sizes.ts';
import { rate } from './process-queries.ts';

/** Events that could not be folded, lost entries, and failures. */
export function lossPanels() {
  return [
    timeSeriesPanel({
      ...THIRD,
      title: 'Dead Letters by Reason',
      description:
        'Events that became dead letters, per minute. List them with the command dead-letters list.',
      unit: PER_MINUTE,
      queries: [
        { expr: perMinute(sumBy(['reason'], rate('streamfold_dead_letters_total'))), legend: '{{reason}}' },
      ],
    }),
    timeSeriesPanel({
      ...THIRD,
      title: 'Entries Lost by Reason',
      description:
        'Entries that can never be folded, per minute: the stream was trimmed before they were folded.',
      unit: PER_MINUTE,
      queries: [
        { expr: perMinute(sumBy(['reason'], rate('streamfold_entries_lost_total'))), legend: '{{reason}}' },
      ],
      colors: { trimmed: 'red' },
    }),
    timeSeriesPanel({
      ...THIRD,
      title: 'Failures by Step',
      description: 'Series of failed attempts per minute, by step. Each step is retried until it succeeds.',
      unit: PER_MINUTE,
      queries: [{ expr: perMinute(sumBy(['step'], rate('streamfold_failures_total'))), legend: '{{step}}' }],
    }),
  ];
}
