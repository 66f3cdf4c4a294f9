import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { QUANTILE_COLORS } from './colors.ts';
import { createDashboard } from './create-dashboard.ts';
import { DASHBOARD_UIDS } from './dashboard-uids.ts';
import { labelVariable, targetVariables } from './dashboard-variables.ts';
import { statPanel } from './panel/stat-panel.ts';
import { timeSeriesPanel } from './panel/time-series-panel.ts';
import { quantileBy, sumBy } from './promql.ts';
import { selectProcessSeries } from './select-series.ts';

/** The pipeline itself: does it keep up, does it lose anything, what does it cost? */
export function streamfoldDashboard(alertNames: readonly string[]): Dashboard {
  return createDashboard(
    {
      uid: DASHBOARD_UIDS.streamfold,
      title: 'Streamfold',
      description: 'The aggregators: whether they keep up, whether anything is lost, and what they cost.',
      kind: 'pipeline',
      variables: [
        ...targetVariables('streamfold_build_info'),
        labelVariable('shard', {
          title: 'Shard',
          selector: 'streamfold_lag_entries{job=~"$job", instance=~"$instance"}',
          description: 'Shards that are shown, by those panels that tell them apart.',
        }),
      ],
      rows: [
        { title: 'Now', panels: nowPanels() },
        { title: 'Folding', panels: foldingPanels() },
        { title: 'Losses and failures', panels: lossPanels() },
        { title: 'Serving', panels: servingPanels() },
        { title: 'Consumers and monitors', panels: consumerPanels() },
        { title: 'Process', panels: processPanels() },
      ],
    },
    alertNames,
  );
}

function rate(name: string): string {
  return `rate(${selectProcessSeries(name)}[$__rate_interval])`;
}

/** Of the series of processes, those of aggregators: other programs have metrics of the same names. */
function ofAggregators(vector: string): string {
  return `${vector}\n    and on (job, instance) ${selectProcessSeries('streamfold_build_info')}`;
}

/** Every aggregator measures the same shards: the highest is the latest word. */
function ofShard(name: string): string {
  return `max by (shard) (${selectProcessSeries(name, 'shard')})`;
}

function inRange(name: string): string {
  return `sum(increase(${selectProcessSeries(name)}[$__range]))`;
}

const STAT = { width: 4, height: 5 } as const;
const HALF = { width: 12, height: 8 } as const;
const THIRD = { width: 8, height: 8 } as const;

function alarmingFrom(yellow: number, red: number) {
  return [
    { value: null, color: 'green' },
    { value: yellow, color: 'yellow' },
    { value: red, color: 'red' },
  ];
}

function nowPanels() {
  return [
    statPanel({
      ...STAT,
      title: 'Aggregators',
      description: 'Aggregators that answer when they are scraped.',
      unit: 'none',
      queries: [{ expr: `count(${selectProcessSeries('streamfold_build_info')})`, legend: 'aggregators' }],
    }),
    statPanel({
      ...STAT,
      title: 'Lag',
      description: 'Age of the oldest entry that is not folded yet, on the clock of Redis; the worst shard.',
      unit: 's',
      queries: [{ expr: `max(${selectProcessSeries('streamfold_lag_seconds', 'shard')})`, legend: 'lag' }],
      thresholds: alarmingFrom(10, 60),
    }),
    statPanel({
      ...STAT,
      title: 'Pending',
      description:
        'Entries delivered to a consumer and not acknowledged. What stays here belongs to a consumer that is gone; others claim it.',
      unit: 'none',
      queries: [{ expr: `sum(${ofShard('streamfold_pending_entries')})`, legend: 'pending' }],
    }),
    statPanel({
      ...STAT,
      title: 'Events Folded',
      description: 'Events folded and committed per second, by all aggregators.',
      unit: 'ops',
      queries: [{ expr: `sum(${rate('streamfold_events_folded_total')})`, legend: 'events' }],
    }),
    statPanel({
      ...STAT,
      title: 'Dead Letters',
      description: 'Events that could not be folded, in the time that is shown.',
      unit: 'short',
      queries: [{ expr: inRange('streamfold_dead_letters_total'), legend: 'dead letters' }],
      thresholds: alarmingFrom(1, 100),
      momentary: true,
    }),
    statPanel({
      ...STAT,
      title: 'Entries Lost',
      description:
        'Entries that were trimmed from the stream before they were folded, in the time that is shown. They can never be folded.',
      unit: 'short',
      queries: [{ expr: inRange('streamfold_entries_lost_total'), legend: 'lost' }],
      thresholds: [
        { value: null, color: 'green' },
        { value: 1, color: 'red' },
      ],
      momentary: true,
    }),
  ];
}

function foldingPanels() {
  const commits = rate('streamfold_commit_duration_seconds_bucket');
  return [
    timeSeriesPanel({
      ...HALF,
      title: 'Events Folded by Aggregator',
      description: 'Events folded and committed per second. The aggregators of a shard share its entries.',
      unit: 'ops',
      queries: [
        { expr: sumBy(['instance'], rate('streamfold_events_folded_total')), legend: '{{instance}}' },
      ],
      stacked: true,
    }),
    timeSeriesPanel({
      ...HALF,
      title: 'Entries Folded by Aggregator',
      description: 'Stream entries per second; an entry may hold up to 1,000 events.',
      unit: 'ops',
      queries: [
        { expr: sumBy(['instance'], rate('streamfold_entries_folded_total')), legend: '{{instance}}' },
      ],
      stacked: true,
    }),
    timeSeriesPanel({
      ...THIRD,
      title: 'Lag by Shard',
      description:
        'Age of the oldest entry that is not folded yet. A line that climbs: folding stands still.',
      unit: 's',
      queries: [{ expr: ofShard('streamfold_lag_seconds'), legend: 'shard {{shard}}' }],
    }),
    timeSeriesPanel({
      ...THIRD,
      title: 'Lag in Entries by Shard',
      description: 'Entries that are not folded yet: undelivered or pending.',
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
        'Commits per second. Contested: entries were taken over by another aggregator meanwhile, nothing was written, and what is still its own is folded again.',
      unit: 'ops',
      queries: [{ expr: sumBy(['outcome'], rate('streamfold_batches_total')), legend: '{{outcome}}' }],
      colors: { committed: 'green', contested: 'orange' },
    }),
  ];
}

function lossPanels() {
  return [
    timeSeriesPanel({
      ...THIRD,
      title: 'Dead Letters by Reason',
      description:
        'Events that could not be folded, per second: look at them with the command dead-letters list.',
      unit: 'ops',
      queries: [{ expr: sumBy(['reason'], rate('streamfold_dead_letters_total')), legend: '{{reason}}' }],
    }),
    timeSeriesPanel({
      ...THIRD,
      title: 'Entries Lost by Reason',
      description:
        'Entries that can never be folded, per second: the stream is trimmed sooner than it is folded.',
      unit: 'ops',
      queries: [{ expr: sumBy(['reason'], rate('streamfold_entries_lost_total')), legend: '{{reason}}' }],
      colors: { trimmed: 'red' },
    }),
    timeSeriesPanel({
      ...THIRD,
      title: 'Failures by Step',
      description: 'Rows of failed attempts, per second, by step. Each is repeated until it succeeds.',
      unit: 'ops',
      queries: [{ expr: sumBy(['step'], rate('streamfold_failures_total')), legend: '{{step}}' }],
    }),
  ];
}

function servingPanels() {
  const scrapes = rate('streamfold_scrape_duration_seconds_bucket');
  return [
    timeSeriesPanel({
      ...HALF,
      title: 'Scrape Duration P50/P95/P99',
      description:
        'Time to read what changed and render the metrics of the swarm, of the aggregators that are asked.',
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
        'Series of the swarm that each aggregator holds: what a scrape carries, and memory grows with it.',
      unit: 'short',
      queries: [
        { expr: `max by (instance) (${selectProcessSeries('streamfold_series')})`, legend: '{{instance}}' },
      ],
    }),
    timeSeriesPanel({
      ...THIRD,
      title: 'Stream Length by Shard',
      description: 'Entries in the stream. What is folded may be trimmed.',
      unit: 'short',
      queries: [{ expr: ofShard('streamfold_stream_entries'), legend: 'shard {{shard}}' }],
    }),
    timeSeriesPanel({
      ...THIRD,
      title: 'Snapshots by Outcome',
      description: 'Snapshots per second. Superseded: another aggregator was faster, which is fine.',
      unit: 'ops',
      queries: [{ expr: sumBy(['outcome'], rate('streamfold_snapshots_total')), legend: '{{outcome}}' }],
    }),
    timeSeriesPanel({
      ...THIRD,
      title: 'View Loads by Cause',
      description:
        'Times an aggregator loaded its view from a snapshot, per second: at its start, or as it could not follow the delta log.',
      unit: 'ops',
      queries: [{ expr: sumBy(['cause'], rate('streamfold_view_loads_total')), legend: '{{cause}}' }],
    }),
  ];
}

function consumerPanels() {
  return [
    timeSeriesPanel({
      ...THIRD,
      title: 'Consumers by Shard',
      description:
        'Consumers of the group: two for each aggregator that folds, and those that are gone until they are removed.',
      unit: 'none',
      queries: [{ expr: ofShard('streamfold_consumers'), legend: 'shard {{shard}}' }],
    }),
    timeSeriesPanel({
      ...THIRD,
      title: 'Entries Claimed, Consumers Removed',
      description:
        'Per second: entries taken over from consumers that are silent, and consumers that were removed as gone.',
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
        'Per second: coordinators that became stale or were given up for dead, waits and signals past their deadline; and times when deadlines were suspended because of an outage.',
      unit: 'ops',
      queries: [
        { expr: sumBy(['subject'], rate('streamfold_monitor_detections_total')), legend: '{{subject}}' },
        { expr: `sum(${rate('streamfold_monitor_suspensions_total')})`, legend: 'suspensions' },
      ],
    }),
  ];
}

function processPanels() {
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
        'How long the event loop of each aggregator is held up: what every scrape and commit waits for.',
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
