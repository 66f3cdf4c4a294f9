import type { HealthReason } from '@streamfold/core';
import { dashboardUrl, runbookUrl } from './links.ts';
import type { RuleContext } from './rule-options.ts';
import type { AlertRule, RuleGroup, Severity } from './rule.ts';
import { PROCESS_JOB } from './scrape-jobs.ts';

/** The alert on a reason of the health endpoint. Several reasons may share one: it then names the reason. */
export interface HealthAlert {
  readonly alert: string;
  readonly severity: Severity;
  /** The reason must last this long. */
  readonly forSeconds: number;
  readonly summary: string;
  readonly description: string;
}

/** A reason that has no alert of its own. */
export interface NoAlert {
  /** Why it needs no alert, or which alert fires instead. */
  readonly because: string;
}

const MINUTE_SECONDS = 60;

const UNHEALTHY: HealthAlert = {
  alert: 'StreamfoldUnhealthy',
  severity: 'critical',
  forSeconds: 5 * MINUTE_SECONDS,
  summary: 'An aggregator is unhealthy',
  description: 'Aggregator {{ $labels.instance }} is unhealthy, reason {{ $labels.reason }}.',
};

const DEGRADED: HealthAlert = {
  alert: 'StreamfoldDegraded',
  severity: 'warning',
  forSeconds: 15 * MINUTE_SECONDS,
  summary: 'An aggregator is degraded',
  description: 'Aggregator {{ $labels.instance }} is degraded, reason {{ $labels.reason }}.',
};

const SNAPSHOT_UNREADABLE: HealthAlert = {
  alert: 'StreamfoldSnapshotUnreadable',
  severity: 'critical',
  forSeconds: 2 * MINUTE_SECONDS,
  summary: 'The state cannot be read',
  description:
    'Aggregator {{ $labels.instance }} finds no snapshot that connects to the delta log. It cannot serve the metrics of the swarm until a rebuild.',
};

const ARCHIVE_STOPPED: HealthAlert = {
  alert: 'StreamfoldArchiveStopped',
  severity: 'warning',
  forSeconds: 15 * MINUTE_SECONDS,
  summary: 'Streams are no longer archived',
  description:
    'Aggregator {{ $labels.instance }} reports a shard that is neither archived nor trimmed; its stream grows.',
};

const KEYS_NEAR_BOUND: HealthAlert = {
  alert: 'StreamfoldKeysNearBound',
  severity: 'warning',
  forSeconds: 5 * MINUTE_SECONDS,
  summary: 'An inbox is nearly full',
  description:
    'Aggregator {{ $labels.instance }} reports an inbox that is at least 80 % full. Once it is full, signals to its coordinator are rejected.',
};

const COMMITS_REFUSED: HealthAlert = {
  alert: 'StreamfoldCommitsRefused',
  severity: 'warning',
  forSeconds: 2 * MINUTE_SECONDS,
  summary: 'Entries are read but not committed',
  description:
    'Aggregator {{ $labels.instance }} reports entries that are read but not committed, reason {{ $labels.reason }}.',
};

const MONITOR_STALLED: HealthAlert = {
  alert: 'StreamfoldMonitorStalled',
  severity: 'warning',
  forSeconds: 2 * MINUTE_SECONDS,
  summary: 'No monitor watches the coordinators',
  description:
    'Aggregator {{ $labels.instance }} reports that no monitor has checked for overdue items for a minute.',
};

const RECORDS_SET_ASIDE: HealthAlert = {
  alert: 'StreamfoldRecordsSetAside',
  severity: 'warning',
  forSeconds: 15 * MINUTE_SECONDS,
  summary: 'Malformed records are not monitored',
  description: 'Monitors have set malformed records of coordinators, waits or signals aside.',
};

/**
 * What fires on each reason of the health endpoint. A new alert needs its page in docs/runbooks and a case in
 * test/mixin/cases/health-cases.ts.
 */
export const HEALTH_ALERTS: Readonly<Record<HealthReason, HealthAlert | NoAlert>> = {
  redis_unreachable: UNHEALTHY,
  redis_refuses: UNHEALTHY,
  shards_not_open: UNHEALTHY,
  group_missing: UNHEALTHY,
  state_lost: DEGRADED,
  generation_unreadable: DEGRADED,
  snapshot_unreadable: SNAPSHOT_UNREADABLE,
  registry_lost: UNHEALTHY,
  commits_refused: COMMITS_REFUSED,
  entries_held: COMMITS_REFUSED,
  ids_ahead: DEGRADED,
  view_stalled: DEGRADED,
  archive_stopped: ARCHIVE_STOPPED,
  keys_near_bound: KEYS_NEAR_BOUND,
  rebuild_needed: { because: '`StreamfoldRebuildNeeded` fires' },
  lagging: { because: '`StreamfoldLagGrowing` fires unless the lag shrinks' },
  monitor_stalled: MONITOR_STALLED,
  records_set_aside: RECORDS_SET_ASIDE,
  redis_clock_stepped_back: {
    because: 'it ends with the grace period; `streamfold_redis_clock_steps_back_total` counts it',
  },
  dead_letters_kept: { because: '`StreamfoldDeadLettersKept` fires' },
};

/** The alerts on the reasons of the health endpoint: one rule for each alert. */
export function healthAlerts(context: RuleContext): RuleGroup<AlertRule> {
  const reasonsOf = new Map<HealthAlert, string[]>();
  for (const [reason, row] of Object.entries(HEALTH_ALERTS)) {
    if ('alert' in row) reasonsOf.set(row, [...(reasonsOf.get(row) ?? []), reason]);
  }
  return {
    name: 'streamfold-health',
    rules: [...reasonsOf].map(([row, reasons]) => alertOn(row, reasons, context)),
  };
}

function alertOn(
  { alert, severity, forSeconds, summary, description }: HealthAlert,
  reasons: readonly string[],
  { duration, grafanaUrl }: RuleContext,
): AlertRule {
  const selector = `streamfold_health_reason{job="${PROCESS_JOB}", reason=~"${reasons.join('|')}"}`;
  return {
    alert,
    expr: `max by (instance, reason) (${selector}) > 0`,
    for: duration(forSeconds),
    labels: { severity, subject: 'health' },
    annotations: {
      summary,
      description,
      runbook_url: runbookUrl(alert),
      dashboard_url: dashboardUrl(grafanaUrl, 'streamfold'),
    },
  };
}
