import type { PanelSize } from './panel-size.ts';
import { timeSeriesPanel } from './panel/time-series-panel.ts';
import { perMinute, sumBy } from './promql.ts';
import { rateOfChosen } from './select-series.ts';
import { PER_MINUTE } from './units.ts';

/** Above 30 within five minutes, HeartbeatFailures and TimeoutEvents fire. */
const ALERTING = [
  { value: null, color: 'green' },
  { value: 6, color: 'red' },
];

/** Heartbeat episodes that begin. */
export const heartbeatFailures = (size: PanelSize) =>
  timeSeriesPanel({
    ...size,
    title: 'Heartbeat Failures Rate',
    description:
      'New episodes of missing heartbeats per minute, by type. Each is counted once, however many monitors run. HeartbeatFailures fires above 30 in five minutes: 6 per minute.',
    unit: PER_MINUTE,
    thresholds: ALERTING,
    queries: [
      {
        expr: perMinute(sumBy(['failure_type'], rateOfChosen('heartbeat_failures_total'))),
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
      'Timeouts per minute: waits past their deadline (blocking), missing ACKs (signal_ack), coordinators declared dead (heartbeat). TimeoutEvents fires above 30 of one type in five minutes: 6 per minute.',
    unit: PER_MINUTE,
    thresholds: ALERTING,
    queries: [
      {
        expr: perMinute(sumBy(['timeout_type'], rateOfChosen('timeout_events_total'))),
        legend: '{{timeout_type}}',
      },
    ],
  });
