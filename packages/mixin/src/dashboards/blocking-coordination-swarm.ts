import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { COORDINATOR_COLORS } from './colors.ts';
import { coordinatorsByPhase } from './coordinators-by-phase.ts';
import { createDashboard } from './create-dashboard.ts';
import { linkToCoordinator } from './dashboard-links.ts';
import { DASHBOARD_UIDS } from './dashboard-uids.ts';
import { coordinatorVariable, swarmVariables } from './dashboard-variables.ts';
import { endOfBuckets } from './end-of-buckets.ts';
import { heartbeatFailures, timeouts } from './failure-panels.ts';
import { barGaugePanel } from './panel/bar-gauge-panel.ts';
import { statPanel } from './panel/stat-panel.ts';
import { tablePanel } from './panel/table-panel.ts';
import { timeSeriesPanel } from './panel/time-series-panel.ts';
import { orZero, perMinute, quantileBy, sumBy, sumOfGauge } from './promql.ts';
import { rateOfChosen, selectSeries } from './select-series.ts';
import { PER_MINUTE, PER_SECOND } from './units.ts';
import { oldestWaitNow, waitsFinished, waitsNow } from './wait-panels.ts';

const NOW = { width: 4, height: 5 };

/** One swarm, down to its coordinators. */
export function swarmDashboard(alertNames: readonly string[]): Dashboard {
  return createDashboard(
    {
      uid: DASHBOARD_UIDS.swarm,
      title: 'Blocking Coordination: Swarm',
      description: 'The coordinators of a swarm: which are blocked, slow or failing.',
      kind: 'swarm',
      variables: [...swarmVariables(), coordinatorVariable()],
      rows: [
        {
          title: 'Now',
          panels: [
            coordinatorsNow('Coordinators', 'Coordinators alive now.'),
            coordinatorsNow('Blocked', 'Coordinators with at least one open wait.', 'blocked'),
            coordinatorsNow('Stale', 'Coordinators without a current heartbeat.', 'stale'),
            waitsNow(NOW),
            oldestWaitNow(NOW),
            cleanedUp(),
          ],
        },
        {
          title: 'Coordinators',
          panels: [byStatus(), coordinatorsByPhase({ width: 12, height: 8 }), coordinators()],
        },
        { title: 'Waits', panels: [durationByStatus(), waitsFinished({ width: 12, height: 9 })] },
        {
          title: 'Signals',
          panels: [latencyByType(), signalsByType(), slowestReceivers(), slowestSenders(), rejected()],
        },
        {
          title: 'Failures',
          panels: [
            heartbeatFailures({ width: 8, height: 8 }),
            timeouts({ width: 8, height: 8 }),
            cleanupRefusals(),
          ],
        },
      ],
    },
    alertNames,
  );
}

function coordinatorsNow(title: string, description: string, status?: 'blocked' | 'stale') {
  const matchers = status === undefined ? [] : [`status="${status}"`];
  const alarming = status === 'stale' ? 'red' : 'yellow';
  return statPanel({
    title,
    description,
    unit: 'none',
    queries: [
      {
        expr: orZero(sumOfGauge('blocking_coordinators_total', ['swarm_id'], matchers)),
        legend: title.toLowerCase(),
      },
    ],
    thresholds: [
      { value: null, color: 'green' },
      ...(status === undefined ? [] : [{ value: 1, color: alarming }]),
    ],
    width: 4,
    height: 5,
  });
}

const cleanedUp = () =>
  statPanel({
    title: 'Cleaned Up',
    description: 'Ended coordinators whose keys were removed in the selected time range.',
    unit: 'none',
    queries: [
      {
        expr: orZero(
          sumBy([], rateOfChosen('coordinators_cleaned_up_total', { call: 'increase', range: '$__range' })),
        ),
        legend: 'cleaned up',
      },
    ],
    momentary: true,
    width: 4,
    height: 5,
  });

const byStatus = () =>
  timeSeriesPanel({
    title: 'Coordinators by Status',
    description: 'Coordinators alive: active, blocked (at least one open wait) or stale (no heartbeat).',
    unit: 'none',
    queries: [
      {
        expr: sumBy(['status'], selectSeries('blocking_coordinators_total', ['swarm_id'])),
        legend: '{{status}}',
      },
    ],
    colors: COORDINATOR_COLORS,
    stacked: true,
    width: 12,
    height: 8,
  });

const WHOLE_RANGE = { call: 'increase', range: '$__range' } as const;

const coordinators = () => {
  const sum = (name: string): string => sumBy(['coordinator_id'], rateOfChosen(name, WHOLE_RANGE));
  return tablePanel({
    title: 'Coordinators',
    description:
      'Activity of each coordinator in the selected time range. Click a coordinator to select it on this dashboard.',
    labels: ['coordinator_id'],
    columns: [
      { legend: 'Waits finished', expr: sum('blocking_duration_seconds_count'), unit: 'short' },
      {
        legend: 'Blocked in total',
        expr: sum('blocking_duration_seconds_sum'),
        unit: 's',
      },
      {
        legend: 'Wait P95',
        expr: quantileBy(
          0.95,
          ['coordinator_id'],
          rateOfChosen('blocking_duration_seconds_bucket', WHOLE_RANGE),
        ),
        unit: 's',
      },
      { legend: 'Timeouts', expr: sum('timeout_events_total'), unit: 'short' },
      { legend: 'Heartbeat failures', expr: sum('heartbeat_failures_total'), unit: 'short' },
    ],
    link: linkToCoordinator('cell'),
    width: 24,
    height: 9,
  });
};

const durationByStatus = () => {
  const rate = rateOfChosen('blocking_duration_seconds_bucket');
  return timeSeriesPanel({
    title: 'Blocking Duration P50/P95/P99',
    description: 'Duration of finished waits, by how they ended.',
    unit: 's',
    ...endOfBuckets('blocking_duration_seconds'),
    queries: [
      { expr: quantileBy(0.5, ['status'], rate), legend: 'P50 {{status}}' },
      { expr: quantileBy(0.95, ['status'], rate), legend: 'P95 {{status}}' },
      { expr: quantileBy(0.99, ['status'], rate), legend: 'P99 {{status}}' },
    ],
    width: 12,
    height: 9,
  });
};

const latencyByType = () =>
  timeSeriesPanel({
    title: 'Signal Delivery Latency P95 by Type',
    description: 'Time from sending to ACK, for signals that the selected coordinators received, by type.',
    unit: 's',
    ...endOfBuckets('signal_delivery_latency_seconds'),
    queries: [
      {
        expr: quantileBy(
          0.95,
          ['signal_type'],
          rateOfChosen('signal_delivery_latency_seconds_bucket', { role: 'receiver_id' }),
        ),
        legend: '{{signal_type}}',
      },
    ],
    width: 12,
    height: 9,
  });

const signalsByType = () =>
  timeSeriesPanel({
    title: 'Signals Sent by Type',
    description: 'Signals sent per second in the selected swarms, one per receiver.',
    unit: PER_SECOND,
    queries: [
      { expr: sumBy(['signal_type'], rateOfChosen('signals_sent_total')), legend: '{{signal_type}}' },
    ],
    stacked: true,
    width: 12,
    height: 9,
  });

function slowest(role: 'sender_id' | 'receiver_id', title: string, which: string) {
  const increase = rateOfChosen('signal_delivery_latency_seconds_bucket', { role, ...WHOLE_RANGE });
  return barGaugePanel({
    title,
    description: `The ten ${which} in the selected time range. Click a coordinator to select it.`,
    unit: 's',
    queries: [{ expr: `topk(10, ${quantileBy(0.95, [role], increase)})`, legend: `{{${role}}}` }],
    thresholds: [
      { value: null, color: 'green' },
      { value: 1, color: 'yellow' },
      { value: 5, color: 'red' },
    ],
    link: linkToCoordinator('label', role),
    width: 8,
    height: 9,
  });
}

const slowestReceivers = () =>
  slowest('receiver_id', 'Slowest Receivers, P95', 'receivers that ACK most slowly');

const slowestSenders = () =>
  slowest('sender_id', 'Slowest for Senders, P95', 'senders that wait longest for ACKs');

const rejected = () =>
  timeSeriesPanel({
    title: 'Signals Rejected',
    description:
      'Signals and ACKs rejected because of their signature, per minute. A program signs with a wrong key, or an unauthorized one sends.',
    unit: PER_MINUTE,
    queries: [
      {
        expr: perMinute(sumBy(['part', 'reason'], rateOfChosen('signals_rejected_total'))),
        legend: '{{part}}: {{reason}}',
      },
    ],
    width: 8,
    height: 9,
  });

const cleanupRefusals = () =>
  timeSeriesPanel({
    title: 'Cleanup Refusals',
    description:
      'Coordinators that a cleanup did not remove because their records are malformed, per minute, by reason.',
    unit: PER_MINUTE,
    queries: [
      { expr: perMinute(sumBy(['reason'], rateOfChosen('cleanup_refusals_total'))), legend: '{{reason}}' },
    ],
    width: 8,
    height: 8,
  });
