import { timeSeriesPanel } from '../panel/time-series-panel.ts';
import { sumBy } from '../promql.ts';
import { THIRD } from './panel-sizes.ts';
import { ofShard, rate } from './process-queries.ts';

/** Who reads the stream, and what the monitors find. */
export function consumerPanels() {
  return [
    timeSeriesPanel({
      ...THIRD,
      title: 'Consumers by Shard',
      description:
        'Consumers of the group: two per folding aggregator, and those of dead aggregators until they are removed.',
      unit: 'none',
      queries: [{ expr: ofShard('streamfold_consumers'), legend: 'shard {{shard}}' }],
    }),
    timeSeriesPanel({
      ...THIRD,
      title: 'Entries Claimed, Consumers Removed',
      description:
        'Per second: entries claimed from inactive consumers, and removed consumers.',
      unit: 'ops',
      queries: [
        { expr: `sum(${rate('streamfold_entries_claimed_total')})`, legend: 'entries claimed' },
        { expr: `sum(${rate('streamfold_consumers_removed_total')})`, legend: 'consumers removed' },
      ],
    }),
    timeSeriesPanel({
      ...THIRD,
      title: 'Found Overdue by Monitors',
      description:
        'Per second: coordinators that became stale or were declared dead, waits and signals past their deadline; and suspensions of deadlines because of an outage.',
      unit: 'ops',
      queries: [
        { expr: sumBy(['subject'], rate('streamfold_monitor_detections_total')), legend: '{{subject}}' },
        { expr: `sum(${rate('streamfold_monitor_suspensions_total')})`, legend: 'suspensions' },
      ],
    }),
  ];
}
