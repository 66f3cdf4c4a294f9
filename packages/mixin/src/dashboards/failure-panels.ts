import type { PanelSize } from './panel-size.ts';
import { timeSeriesPanel } from './panel/time-series-panel.ts';
import { sumBy } from './promql.ts';
import { rateOfChosen } from './select-series.ts';

/** Heartbeat episodes that begin. */
export const heartbeatFailures = (size: PanelSize) =>
  timeSeriesPanel({
    ...size,
    title: 'Heartbeat Failures Rate',
    description:
      'Episodes of missing heartbeats that begin, per second, by kind. Each is counted once, whoever watches.',
    unit: 'ops',
    queries: [
      {
        expr: sumBy(['failure_type'], rateOfChosen('heartbeat_failures_total')),
        legend: '{{failure_type}}',
      },
    ],
  });

/** Timeouts, by what timed out. */
export const timeouts = (size: PanelSize) =>
  timeSeriesPanel({
    ...size,
    title: 'Timeout Events Rate',
    description:
      'Timeouts per second: waits past their deadline (blocking), ACKs that did not come (signal_ack), coordinators given up for dead (heartbeat).',
    unit: 'ops',
    queries: [
      { expr: sumBy(['timeout_type'], rateOfChosen('timeout_events_total')), legend: '{{timeout_type}}' },
    ],
  });
