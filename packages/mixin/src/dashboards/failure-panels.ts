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
      'New episodes of missing heartbeats per second, by type. Each is counted once, however many monitors run.',
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
      'Timeouts per second: waits past their deadline (blocking), missing ACKs (signal_ack), coordinators declared dead (heartbeat).',
    unit: 'ops',
    queries: [
      { expr: sumBy(['timeout_type'], rateOfChosen('timeout_events_total')), legend: '{{timeout_type}}' },
    ],
  });
