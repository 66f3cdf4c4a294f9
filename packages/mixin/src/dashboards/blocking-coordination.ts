import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { COORDINATOR_COLORS, QUANTILE_COLORS } from './colors.ts';
import { coordinatorsByPhase } from './coordinators-by-phase.ts';
import { createDashboard } from './create-dashboard.ts';
import { linkToSwarm } from './dashboard-links.ts';
import { DASHBOARD_UIDS } from './dashboard-uids.ts';
import { coordinatorVariable, swarmVariables } from './dashboard-variables.ts';
import { endOfBuckets } from './end-of-buckets.ts';
import { heartbeatFailures, timeouts } from './failure-panels.ts';
import { piePanel } from './panel/pie-panel.ts';
import { statPanel } from './panel/stat-panel.ts';
import { tablePanel } from './panel/table-panel.ts';
import { timeSeriesPanel } from './panel/time-series-panel.ts';
import { orZero, quantileBy, sumBy, sumOfGauge } from './promql.ts';
import { rateOfChosen, selectSeries } from './select-series.ts';
import { PER_SECOND } from './units.ts';
import { OLDEST_WAIT_COLORS, oldestWaitNow, waitsFinished, waitsNow } from './wait-panels.ts';

const NOW = { width: 5, height: 8 };

/** The first dashboard for an engineer on call: is coordination blocked, slow or failing, and in which swarm? */
export function blockingCoordinationDashboard(alertNames: readonly string[]): Dashboard {
  return createDashboard(
    {
      uid: DASHBOARD_UIDS.overview,
      title: 'Blocking Coordination',
      description: 'Whether coordinators of swarms are blocked, slow or failing, and in which swarm.',
      kind: 'swarm',
      variables: [...swarmVariables(), coordinatorVariable()],
      rows: [
        { title: 'Now', panels: [blockedNow(), waitsNow(NOW), oldestWaitNow(NOW), coordinatorsByStatus()] },
        { title: 'Who is blocked', panels: [whoIsBlocked()] },
        { title: 'How long it takes', panels: [blockingDuration(), signalLatency()] },
        {
          title: 'What fails',
          panels: [heartbeatFailures({ width: 12, height: 8 }), timeouts({ width: 12, height: 8 })],
        },
        {
          title: 'What is in progress',
          panels: [waitsBySwarm(), oldestWaitBySwarm(), coordinatorsByPhase({ width: 8, height: 9 })],
        },
        { title: 'Throughput', panels: [signalsSentAndAcked(), waitsFinished({ width: 12, height: 9 })] },
      ],
    },
    alertNames,
  );
}

const blockedNow = () =>
  statPanel({
    title: 'Active Blocking Coordinators',
    description:
      'Coordinators that are blocked now: alive, with at least one open wait. Yellow from 5, red from 10: HighBlockingCoordinators fires above 10.',
    unit: 'none',
    queries: [
      {
        expr: orZero(sumOfGauge('blocking_coordinators_total', ['swarm_id'], ['status="blocked"'])),
        legend: 'blocked',
      },
    ],
    thresholds: [
      { value: null, color: 'green' },
      { value: 5, color: 'yellow' },
      { value: 10, color: 'red' },
    ],
    width: 5,
    height: 8,
  });

const coordinatorsByStatus = () =>
  piePanel({
    title: 'Coordinators by Status',
    description:
      'Coordinators alive now: stale (no heartbeat), else blocked (at least one open wait), else active.',
    unit: 'none',
    queries: [
      {
        expr: sumBy(['status'], selectSeries('blocking_coordinators_total', ['swarm_id'])),
        legend: '{{status}}',
      },
    ],
    colors: COORDINATOR_COLORS,
    width: 9,
    height: 8,
  });

function countByPhase(matchers: readonly string[]): string {
  return sumBy(['swarm_id', 'phase'], selectSeries('blocking_coordinators_total', ['swarm_id'], matchers));
}

const whoIsBlocked = () => {
  const blocked = countByPhase(['status="blocked"']);
  const oldest = `max by (swarm_id) (${selectSeries('blocking_oldest_wait_seconds', ['swarm_id'])})`;
  return tablePanel({
    title: 'Blocked by Swarm and Phase',
    description:
      'Where coordinators are blocked now, and for how long: the age of the oldest open wait of the swarm, in any phase. Click a swarm to open its dashboard, which names the coordinators.',
    labels: ['swarm_id', 'phase'],
    columns: [
      { legend: 'Blocked', expr: blocked, unit: 'none' },
      { legend: 'Coordinators', expr: `${countByPhase([])}\nand\n${blocked}`, unit: 'none' },
      {
        legend: 'Oldest wait',
        expr: `0 * ${blocked}\n+ on (swarm_id) group_left ()\n${oldest}`,
        unit: 's',
        thresholds: OLDEST_WAIT_COLORS,
      },
    ],
    sortedBy: 'Oldest wait',
    link: linkToSwarm('cell'),
    width: 24,
    height: 7,
  });
};

const blockingDuration = () => {
  const rate = rateOfChosen('blocking_duration_seconds_bucket');
  return timeSeriesPanel({
    title: 'Blocking Duration P95/P99',
    description:
      'Duration of finished waits, by how they ended. Empty while no wait finishes. At the dashed line, the last bucket, a wait took longer than that: for stuck waits see the oldest wait.',
    unit: 's',
    ...endOfBuckets('blocking_duration_seconds'),
    queries: [
      { expr: quantileBy(0.95, ['status'], rate), legend: 'P95 {{status}}' },
      { expr: quantileBy(0.99, ['status'], rate), legend: 'P99 {{status}}' },
    ],
    width: 12,
    height: 9,
  });
};

const signalLatency = () => {
  const rate = rateOfChosen('signal_delivery_latency_seconds_bucket', { role: 'receiver_id' });
  return timeSeriesPanel({
    title: 'Signal Delivery Latency P50/P95/P99',
    description:
      'Time from sending a signal to recording its ACK, for signals that the selected coordinators received. Signals without an ACK are not included: compare sent and ACKed. At the dashed line, the last bucket, an ACK took longer than that.',
    unit: 's',
    ...endOfBuckets('signal_delivery_latency_seconds'),
    queries: [
      { expr: quantileBy(0.5, [], rate), legend: 'P50' },
      { expr: quantileBy(0.95, [], rate), legend: 'P95' },
      { expr: quantileBy(0.99, [], rate), legend: 'P99' },
    ],
    colors: QUANTILE_COLORS,
    width: 12,
    height: 9,
  });
};

const waitsBySwarm = () =>
  timeSeriesPanel({
    title: 'Waits in Progress by Swarm',
    description: 'Open waits. Click a swarm to open its dashboard.',
    unit: 'none',
    queries: [
      { expr: sumBy(['swarm_id'], selectSeries('blocking_waits', ['swarm_id'])), legend: '{{swarm_id}}' },
    ],
    link: linkToSwarm('label'),
    stacked: true,
    width: 8,
    height: 9,
  });

const oldestWaitBySwarm = () =>
  timeSeriesPanel({
    title: 'Oldest Wait by Swarm',
    description:
      'Age of the oldest open wait; a line that keeps climbing is a stuck coordinator. Click a swarm to open its dashboard.',
    unit: 's',
    queries: [
      {
        expr: `max by (swarm_id) (${selectSeries('blocking_oldest_wait_seconds', ['swarm_id'])})`,
        legend: '{{swarm_id}}',
      },
    ],
    link: linkToSwarm('label'),
    width: 8,
    height: 9,
  });

const signalsSentAndAcked = () =>
  timeSeriesPanel({
    title: 'Signals Sent vs ACKed',
    description:
      'Signals per second in the selected swarms, from all senders: sent (one per receiver), ACKed, and ACKs that did not come in time. If sent exceeds ACKed, receivers do not respond.',
    unit: PER_SECOND,
    queries: [
      { expr: sumBy([], rateOfChosen('signals_sent_total')), legend: 'sent' },
      {
        expr: sumBy(
          [],
          rateOfChosen('signal_delivery_latency_seconds_count', {
            role: 'receiver_id',
            anyCoordinator: true,
          }),
        ),
        legend: 'ACKed',
      },
      {
        expr: sumBy(
          [],
          rateOfChosen('timeout_events_total', {
            anyCoordinator: true,
            matchers: ['timeout_type="signal_ack"'],
          }),
        ),
        legend: 'ACK timed out',
      },
    ],
    colors: { sent: 'blue', ACKed: 'green', 'ACK timed out': 'red' },
    width: 12,
    height: 9,
  });
