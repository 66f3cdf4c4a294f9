import { dashboardUrl, runbookUrl } from './links.ts';
import type { RuleContext } from './rule-options.ts';
import type { AlertRule, RuleGroup } from './rule.ts';
import { PROCESS_JOB, SWARM_JOB } from './scrape-jobs.ts';

const MINUTE_SECONDS = 60;

/** The alerts on Streamfold itself, the pipeline between the events and their metrics. */
export function pipelineAlerts(context: RuleContext): RuleGroup<AlertRule> {
  return {
    name: 'streamfold',
    rules: [
      swarmTargetDown(context),
      replicaDown(context),
      lagGrowing(context),
      notFolding(context),
      entriesLost(context),
      deadLetters(context),
      deadLettersKept(context),
      swarmMetricsServedTwice(context),
      rebuildNeeded(context),
    ],
  };
}

/** `up` is 0, or the job has no target at all. */
function down(job: string): string {
  return `up{job="${job}"} == 0\nor\nabsent(up{job="${job}"})`;
}

function swarmTargetDown({ duration, grafanaUrl }: RuleContext): AlertRule {
  return {
    alert: 'StreamfoldTargetDown',
    expr: down(SWARM_JOB),
    for: duration(MINUTE_SECONDS),
    labels: { severity: 'critical', subject: 'scraping' },
    annotations: {
      summary: "The swarm's metrics are not served",
      description: `{{ with $labels.instance }}Prometheus cannot scrape {{ . }}{{ else }}Prometheus has no target{{ end }} for job {{ $labels.job }}: the coordinators are not monitored, and no alert on them can fire.`,
      runbook_url: runbookUrl('StreamfoldTargetDown'),
      dashboard_url: dashboardUrl(grafanaUrl, 'streamfold'),
    },
  };
}

function replicaDown({ duration, grafanaUrl }: RuleContext): AlertRule {
  return {
    alert: 'StreamfoldTargetDown',
    expr: down(PROCESS_JOB),
    for: duration(MINUTE_SECONDS),
    labels: { severity: 'warning', subject: 'scraping' },
    annotations: {
      summary: 'An aggregator does not answer',
      description: `{{ with $labels.instance }}Prometheus cannot scrape {{ . }}{{ else }}Prometheus has no target{{ end }} for job {{ $labels.job }}.`,
      runbook_url: runbookUrl('StreamfoldTargetDown'),
      dashboard_url: dashboardUrl(grafanaUrl, 'streamfold'),
    },
  };
}

/** A lag that shrinks more slowly than this does not count as catching up: the trend of a fluctuating lag wavers around 0. */
const CAUGHT_UP_SECONDS_PER_SECOND = 0.1;

function lagGrowing({ thresholds, duration, grafanaUrl }: RuleContext): AlertRule {
  const lag = 'shard:streamfold_lag_seconds:max';
  return {
    alert: 'StreamfoldLagGrowing',
    // Behind and not catching up: after an outage or during a rebuild the lag is large, but falls.
    expr: `${lag} > ${thresholds.lagSeconds}\nand\nderiv(${lag}[${duration(5 * MINUTE_SECONDS)}]) > -${CAUGHT_UP_SECONDS_PER_SECOND}`,
    for: duration(5 * MINUTE_SECONDS),
    labels: { severity: 'warning', subject: 'folding' },
    annotations: {
      summary: 'Folding falls behind',
      description: `The oldest entry of shard {{ $labels.shard }} that is not folded is {{ $value | humanizeDuration }} old, and the lag does not shrink: metrics and alerts on the swarm are late by that time.`,
      runbook_url: runbookUrl('StreamfoldLagGrowing'),
      dashboard_url: dashboardUrl(grafanaUrl, 'streamfold'),
    },
  };
}

function notFolding({ duration, grafanaUrl }: RuleContext): AlertRule {
  const window = duration(3 * MINUTE_SECONDS);
  const folded = `sum(rate(streamfold_entries_folded_total{job="${PROCESS_JOB}"}[${window}]))`;
  return {
    alert: 'StreamfoldNotFolding',
    expr: `sum(min_over_time(shard:streamfold_lag_entries:max[${window}])) > 0\nand\n${folded} == 0`,
    for: duration(2 * MINUTE_SECONDS),
    labels: { severity: 'critical', subject: 'folding' },
    annotations: {
      summary: 'Events arrive but none is folded',
      description: `{{ $value }} entries have been waiting, and no aggregator has folded any for minutes: the metrics of the swarm do not change.`,
      runbook_url: runbookUrl('StreamfoldNotFolding'),
      dashboard_url: dashboardUrl(grafanaUrl, 'streamfold'),
    },
  };
}

/** Losses and dead letters are events, not states: their alerts fire for this long. */
const FACTS_WINDOW_SECONDS = 15 * MINUTE_SECONDS;

function entriesLost({ duration, grafanaUrl, scaled }: RuleContext): AlertRule {
  return {
    alert: 'StreamfoldEntriesLost',
    expr: `${countedLately('streamfold_entries_lost_total', { duration, scaled })} > 0`,
    labels: { severity: 'critical', subject: 'entries' },
    annotations: {
      summary: 'Entries were lost before they were folded',
      description: `About {{ $value | humanize }} entries were {{ $labels.reason }} before they were folded, within a quarter of an hour: their counts are permanently missing from the metrics.`,
      runbook_url: runbookUrl('StreamfoldEntriesLost'),
      dashboard_url: dashboardUrl(grafanaUrl, 'streamfold'),
    },
  };
}

function deadLetters({ duration, grafanaUrl, scaled }: RuleContext): AlertRule {
  return {
    alert: 'StreamfoldDeadLetters',
    expr: `${countedLately('streamfold_dead_letters_total', { duration, scaled })} > 0`,
    labels: { severity: 'warning', subject: 'events' },
    annotations: {
      summary: 'Events became dead letters',
      description: `About {{ $value | humanize }} events went to the dead letters within a quarter of an hour, reason {{ $labels.reason }}.`,
      runbook_url: runbookUrl('StreamfoldDeadLetters'),
      dashboard_url: dashboardUrl(grafanaUrl, 'streamfold'),
    },
  };
}

/**
 * Reads the length of the dead-letter stream: a process that dies before its next scrape loses its counters, but unhandled
 * dead letters stay in the stream.
 */
function deadLettersKept({ duration, grafanaUrl }: RuleContext): AlertRule {
  return {
    alert: 'StreamfoldDeadLettersKept',
    expr: `max by (shard) (streamfold_dead_letters_kept{job="${PROCESS_JOB}"}) > 0`,
    for: duration(15 * MINUTE_SECONDS),
    labels: { severity: 'warning', subject: 'events' },
    annotations: {
      summary: 'Dead letters wait for a decision',
      description: `The dead-letter stream of shard {{ $labels.shard }} holds {{ $value }} events that could not be folded. Retry or drop them.`,
      runbook_url: runbookUrl('StreamfoldDeadLettersKept'),
      dashboard_url: dashboardUrl(grafanaUrl, 'streamfold'),
    },
  };
}

/**
 * The counts of all aggregators within the window, by reason. `increase()` misses the counts from before the first scrape of
 * a process, yet that is when it finds entries that were lost while no aggregator ran. So for a process that started
 * within the window the whole value counts.
 */
function countedLately(
  counter: string,
  { duration, scaled }: Pick<RuleContext, 'duration' | 'scaled'>,
): string {
  const selector = `${counter}{job="${PROCESS_JOB}"}`;
  const window = duration(FACTS_WINDOW_SECONDS);
  const started = `process_start_time_seconds{job="${PROCESS_JOB}"}`;
  const young = `time() - ${started} < ${scaled(FACTS_WINDOW_SECONDS)}`;
  return `sum by (reason) (\n  increase(${selector}[${window}]) > 0\n  or\n  ${selector} and on (job, instance) (${young})\n)`;
}

function swarmMetricsServedTwice({ duration, grafanaUrl }: RuleContext): AlertRule {
  const families = 'blocking_coordinators_total|blocking_waits|signals_sent_total';
  return {
    alert: 'StreamfoldSwarmMetricsServedTwice',
    expr: `count(\n  count by (job, instance) ({__name__=~"${families}"})\n  or\n  count by (job, instance) (up{job="${SWARM_JOB}"} == 1)\n) > 1`,
    for: duration(5 * MINUTE_SECONDS),
    labels: { severity: 'warning', subject: 'scraping' },
    annotations: {
      summary: "Prometheus scrapes the swarm's metrics more than once",
      description: `{{ $value }} targets expose the metrics of the swarm. Each exposes all of them, so sums count everything that many times.`,
      runbook_url: runbookUrl('StreamfoldSwarmMetricsServedTwice'),
      dashboard_url: dashboardUrl(grafanaUrl, 'streamfold'),
    },
  };
}

function rebuildNeeded({ duration, grafanaUrl }: RuleContext): AlertRule {
  return {
    alert: 'StreamfoldRebuildNeeded',
    expr: `sum(streamfold_rebuild_needed{job="${PROCESS_JOB}"}) > 0`,
    for: duration(15 * MINUTE_SECONDS),
    labels: { severity: 'warning', subject: 'definitions' },
    annotations: {
      summary: 'Aggregators serve other metrics than they are configured with',
      description: `Aggregators whose configured definitions differ from those of the live generation: {{ $value }}. Changes take effect after a rebuild.`,
      runbook_url: runbookUrl('StreamfoldRebuildNeeded'),
      dashboard_url: dashboardUrl(grafanaUrl, 'streamfold'),
    },
  };
}
