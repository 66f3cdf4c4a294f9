import { QUANTILE_COLORS } from '../colors.ts';
import { timeSeriesPanel } from '../panel/time-series-panel.ts';
import { quantileBy, sumBy } from '../promql.ts';
import { HALF, THIRD } from './panel-sizes.ts';
import { ofShard, rate } from './process-queries.ts';

/** How fast events are folded, and how far behind folding is. */
export function foldingPanels() {
  const commits = rate('streamfold_commit_duration_seconds_bucket');
  return [
    timeSeriesPanel({
      ...HALF,
      title: 'Events Folded by Aggregator',
      description: 'Events folded and committed per second. The aggregators of a shard share its entries.',
      unit: 'cps',
      queries: [
        { expr: sumBy(['instance'], rate('streamfold_events_folded_total')), legend: '{{instance}}' },
      ],
      stacked: true,
    }),
    timeSeriesPanel({
      ...HALF,
      title: 'Entries Folded by Aggregator',
      description: 'Stream entries per second; an entry may hold up to 1,000 events.',
      unit: 'cps',
      queries: [
        { expr: sumBy(['instance'], rate('streamfold_entries_folded_total')), legend: '{{instance}}' },
      ],
      stacked: true,
    }),
    timeSeriesPanel({
      ...THIRD,
      title: 'Lag by Shard',
      description: 'Age of the oldest unfolded entry. If the line climbs, folding has stopped.',
      unit: 's',
      queries: [{ expr: ofShard('streamfold_lag_seconds'), legend: 'shard {{shard}}' }],
    }),
    timeSeriesPanel({
      ...THIRD,
      title: 'Lag in Entries by Shard',
      description: 'Unfolded entries: undelivered or pending.',
      unit: 'short',
      queries: [{ expr: ofShard('streamfold_lag_entries'), legend: 'shard {{shard}}' }],
    }),
    timeSeriesPanel({
      ...THIRD,
      title: 'Pending by Shard',
      description: 'Entries delivered to a consumer and not acknowledged.',
      unit: 'short',
      queries: [{ expr: ofShard('streamfold_pending_entries'), legend: 'shard {{shard}}' }],
    }),
    timeSeriesPanel({
      ...HALF,
      title: 'Commit Duration P50/P95/P99',
      description: 'From sending a commit to its reply: the round trip to Redis and its script.',
      unit: 's',
      queries: [
        { expr: quantileBy(0.5, [], commits), legend: 'P50' },
        { expr: quantileBy(0.95, [], commits), legend: 'P95' },
        { expr: quantileBy(0.99, [], commits), legend: 'P99' },
      ],
      colors: QUANTILE_COLORS,
    }),
    timeSeriesPanel({
      ...HALF,
      title: 'Batches by Outcome',
      description:
        'Commits per second. Contested: another aggregator claimed entries of the batch, so nothing was written; the remaining ones are folded again.',
      unit: 'cps',
      queries: [{ expr: sumBy(['outcome'], rate('streamfold_batches_total')), legend: '{{outcome}}' }],
      colors: { committed: 'green', contested: 'orange' },
    }),
  ];
}
