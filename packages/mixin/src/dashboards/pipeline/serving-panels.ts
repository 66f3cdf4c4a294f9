import { QUANTILE_COLORS } from '../colors.ts';
import { timeSeriesPanel } from '../panel/time-series-panel.ts';
import { quantileBy, sumBy } from '../promql.ts';
import { selectProcessSeries } from '../select-series.ts';
import { HALF, THIRD } from './panel-sizes.ts';
import { ofShard, rate } from './process-queries.ts';

/** The cost of scrapes, and the served view. */
export function servingPanels() {
  const scrapes = rate('streamfold_scrape_duration_seconds_bucket');
  return [
    timeSeriesPanel({
      ...HALF,
      title: 'Scrape Duration P50/P95/P99',
      description: 'Time to read changes and render the metrics of the swarm, in the scraped aggregators.',
      unit: 's',
      queries: [
        { expr: quantileBy(0.5, [], scrapes), legend: 'P50' },
        { expr: quantileBy(0.95, [], scrapes), legend: 'P95' },
        { expr: quantileBy(0.99, [], scrapes), legend: 'P99' },
      ],
      colors: QUANTILE_COLORS,
    }),
    timeSeriesPanel({
      ...HALF,
      title: 'Series',
      description:
        'Series of the swarm that each aggregator holds. The size of a scrape and the memory grow with it.',
      unit: 'short',
      queries: [
        { expr: `max by (instance) (${selectProcessSeries('streamfold_series')})`, legend: '{{instance}}' },
      ],
    }),
    timeSeriesPanel({
      ...THIRD,
      title: 'Stream Length by Shard',
      description: 'Entries in the stream. Folded entries may be trimmed.',
      unit: 'short',
      queries: [{ expr: ofShard('streamfold_stream_entries'), legend: 'shard {{shard}}' }],
    }),
    timeSeriesPanel({
      ...THIRD,
      title: 'Snapshots by Outcome',
      description: 'Snapshots per second. Superseded: another aggregator was faster, which is fine.',
      unit: 'cps',
      queries: [{ expr: sumBy(['outcome'], rate('streamfold_snapshots_total')), legend: '{{outcome}}' }],
    }),
    timeSeriesPanel({
      ...THIRD,
      title: 'View Loads by Cause',
      description:
        'Times per second that an aggregator loaded its view from a snapshot: at start, or because it could not follow the delta log.',
      unit: 'cps',
      queries: [{ expr: sumBy(['cause'], rate('streamfold_view_loads_total')), legend: '{{cause}}' }],
    }),
  ];
}
