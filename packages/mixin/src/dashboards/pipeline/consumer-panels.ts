import { timeSeriesPanel } from '../panel/time-series-panel.ts';
import { perMinute, sumBy } from '../promql.ts';
import { PER_MINUTE } from '../units.ts';
import { THIRD } from './panel-sizes.ts';
import { ofShard, rate } from './process-queries.ts';

/** The consumers of the stream, and the findings of the monitors. */
export function consumerPanels() {
  return [
    timeSeriesPanel({
      ...THIRD,
      title: 'Consumers by Shard',
      description:
        'Consumers of the group: two per folding aggregator, one or two more for each of them while it catches up, and those of dead aggregators until they are removed.',
      unit: 'none',
      queries: [{ expr: ofShard('streamfold_consumers'), legend: 'shard {{shard}}' }],
    }),
    timeSeriesPanel({
      ...THIRD,
      title: 'Entries Claimed, Consumers Removed',
      description: 'Per minute: entries claimed from inactive consumers, and removed consumers.',
      unit: PER_MINUTE,
      queries: [
        { expr: perMinute(sumBy([], rate('streamfold_entries_claimed_total'))), legend: 'entries claimed' },
        {
          expr: perMinute(sumBy([], rate('streamfold_consumers_removed_total'))),
          legend: 'consumers removed',
        },
      ],
    }),
    timeSeriesPanel({
      ...THIRD,
      title: 'Found Overdue by Monitors',
      description:
        'Per minute: coordinators that became stale or were declared dead, waits and signals past their deadline; and suspensions of deadlines because of an outage.',
      unit: PER_MINUTE,
      queries: [
        {
          expr: perMinute(sumBy(['subject'], rate('streamfold_monitor_detections_total'))),
          legend: '{{subject}}',
        },
        { expr: perMinute(sumBy([], rate('streamfold_monitor_suspensions_total'))), legend: 'suspensions' },
      ],
    }),
  ];
}
