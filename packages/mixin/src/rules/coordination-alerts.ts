import { formatDuration } from './format-duration.ts';
import { dashboardUrl, runbookUrl } from './links.ts';
import type { RuleContext } from './rule-options.ts';
import type { AlertRule, RuleGroup } from './rule.ts';
import { SWARM_JOB } from './scrape-jobs.ts';

const MINUTE_SECONDS = 60;

/** A value stays valid for this long after a failed scrape, while the target restarts. */
const BRIDGED_SECONDS = 2 * MINUTE_SECONDS;

/** The alerts on the swarm's metrics. */
export function coordinationAlerts(context: RuleContext): RuleGroup<AlertRule> {
  return {
    name: 'blocking-coordination',
    rules: [
      highBlockingCoordinators(context),
      highBlockingDuration(context),
      highSignalLatency(context),
      heartbeatFailures(context),
      timeoutEvents(context),
      noActiveCoordinators(context),
      stuckCoordinator(context),
    ],
  };
}

function highBlockingCoordinators({ thresholds, duration, grafanaUrl }: RuleContext): AlertRule {
  const blocked = `status:blocking_coordinators_total:sum{status="blocked"}`;
  return {
    alert: 'HighBlockingCoordinators',
    expr: `last_over_time(${blocked}[${duration(BRIDGED_SECONDS)}]) > ${thresholds.blockedCoordinators}`,
    for: duration(5 * MINUTE_SECONDS),
    labels: { severity: 'warning', subject: 'waits' },
    annotations: {
      summary: 'Many coordinators are blocked',
      description: `{{ $value }} coordinators are blocked by an open wait; more than ${thresholds.blockedCoordinators} is unusual.`,
      runbook_url: runbookUrl('HighBlockingCoordinators'),
      dashboard_url: dashboardUrl(grafanaUrl, 'blocking-coordination'),
    },
  };
}

function highBlockingDuration({ thresholds, duration, grafanaUrl }: RuleContext): AlertRule {
  const { slowWaitSeconds, slowShare, leastSlow } = thresholds;
  return {
    alert: 'HighBlockingDuration',
    expr: slowShareAbove({
      buckets: 'status_le:blocking_duration_seconds_bucket',
      window: 'increase15m',
      bridged: duration(BRIDGED_SECONDS),
      boundSeconds: slowWaitSeconds,
      slowShare,
      leastSlow,
    }),
    for: duration(5 * MINUTE_SECONDS),
    labels: { severity: 'warning', subject: 'waits' },
    annotations: {
      summary: 'Waits take too long',
      description: `{{ $value | humanizePercentage }} of the waits that ended as {{ $labels.status }} had taken longer than ${formatDuration(slowWaitSeconds * 1_000)}.`,
      runbook_url: runbookUrl('HighBlockingDuration'),
      dashboard_url: dashboardUrl(grafanaUrl, 'blocking-coordination'),
    },
  };
}

function highSignalLatency({ thresholds, duration, grafanaUrl }: RuleContext): AlertRule {
  const { slowSignalSeconds, slowShare, leastSlow } = thresholds;
  return {
    alert: 'HighSignalLatency',
    expr: slowShareAbove({
      buckets: 'signal_type_le:signal_delivery_latency_seconds_bucket',
      window: 'increase5m',
      bridged: duration(BRIDGED_SECONDS),
      boundSeconds: slowSignalSeconds,
      slowShare,
      leastSlow,
    }),
    for: duration(5 * MINUTE_SECONDS),
    labels: { severity: 'warning', subject: 'signals' },
    annotations: {
      summary: 'Signals are acknowledged late',
      description: `{{ $value | humanizePercentage }} of the ACKs of {{ $labels.signal_type }} came later than ${formatDuration(slowSignalSeconds * 1_000)} after the signal.`,
      runbook_url: runbookUrl('HighSignalLatency'),
      dashboard_url: dashboardUrl(grafanaUrl, 'blocking-coordination'),
    },
  };
}

/**
 * The share of observations above a bound of the buckets, if the share is too large and the observations are not few. It
 * means the same as a percentile above that bound, but is exact: no estimate within a bucket, no NaN if nothing happens.
 * Silent if the bucket is not scraped now: after a rebuild with other buckets its last value would be compared with a
 * growing total.
 */
function slowShareAbove(slow: {
  buckets: string;
  window: string;
  bridged: string;
  boundSeconds: number;
  slowShare: number;
  leastSlow: number;
}): string {
  const { buckets, window, bridged, boundSeconds, slowShare, leastSlow } = slow;
  const at = `{le="${boundSeconds}"}`;
  const all = `${buckets}:${window}{le="+Inf"}`;
  const inTime = `(${buckets}:${window}${at} and last_over_time(${buckets}:sum${at}[${bridged}]))`;
  const late = `(${all} - ignoring (le) ${inTime})`;
  return `${late} / ignoring (le) ${all} > ${slowShare}\nand\n${late} >= ${leastSlow}`;
}

function heartbeatFailures({ thresholds, duration, grafanaUrl }: RuleContext): AlertRule {
  const episodes = 'failure_type:heartbeat_failures:increase5m';
  return {
    alert: 'HeartbeatFailures',
    // A dead coordinator is first stale or missing, then of type timeout: count it once, not twice.
    expr: `max(
  sum(${episodes}{failure_type!="timeout"})
  or
  ${episodes}{failure_type="timeout"}
) > ${thresholds.heartbeatFailures}`,
    for: duration(2 * MINUTE_SECONDS),
    labels: { severity: 'critical', subject: 'coordinators' },
    annotations: {
      summary: 'Coordinators lose their heartbeats',
      description: `{{ $value }} coordinators missed their heartbeats, or were declared dead, within five minutes.`,
      runbook_url: runbookUrl('HeartbeatFailures'),
      dashboard_url: dashboardUrl(grafanaUrl, 'blocking-coordination'),
    },
  };
}

function timeoutEvents({ thresholds, duration, grafanaUrl }: RuleContext): AlertRule {
  return {
    alert: 'TimeoutEvents',
    expr: `timeout_type:timeout_events:increase5m > ${thresholds.timeouts}`,
    for: duration(2 * MINUTE_SECONDS),
    labels: { severity: 'critical', subject: 'timeouts' },
    annotations: {
      summary: 'Coordinators time out often',
      description: `{{ $value }} timeouts of type {{ $labels.timeout_type }} within five minutes.`,
      runbook_url: runbookUrl('TimeoutEvents'),
      dashboard_url: dashboardUrl(grafanaUrl, 'blocking-coordination'),
    },
  };
}

function noActiveCoordinators({ duration, grafanaUrl }: RuleContext): AlertRule {
  return {
    alert: 'NoActiveCoordinators',
    expr: `last_over_time(job:blocking_coordinators_total:sum[${duration(BRIDGED_SECONDS)}]) == 0`,
    for: duration(10 * MINUTE_SECONDS),
    labels: { severity: 'info', subject: 'coordinators' },
    annotations: {
      summary: 'No coordinator is alive',
      description: `{{ $value }} coordinators are alive in any swarm, although the metrics are scraped.`,
      runbook_url: runbookUrl('NoActiveCoordinators'),
      dashboard_url: dashboardUrl(grafanaUrl, 'blocking-coordination'),
    },
  };
}

function stuckCoordinator({ thresholds, duration, grafanaUrl }: RuleContext): AlertRule {
  const { stuckWaitSeconds } = thresholds;
  const oldest = `last_over_time(blocking_oldest_wait_seconds{job="${SWARM_JOB}"}[${duration(BRIDGED_SECONDS)}])`;
  return {
    alert: 'StuckCoordinator',
    expr: `max by (swarm_id) (${oldest}) > ${stuckWaitSeconds}`,
    // The value is an age, so no `for` is needed.
    for: duration(MINUTE_SECONDS),
    labels: { severity: 'critical', subject: 'waits' },
    annotations: {
      summary: 'A coordinator is stuck in a wait',
      description: `The oldest open wait of swarm {{ $labels.swarm_id }} has been open for {{ $value | humanizeDuration }}.`,
      runbook_url: runbookUrl('StuckCoordinator'),
      dashboard_url: dashboardUrl(
        grafanaUrl,
        'blocking-coordination-swarm',
        '?var-swarm_id={{ $labels.swarm_id | urlquery }}',
      ),
    },
  };
}
