import type { HealthReason } from '@streamfold/core';
import type { FiringAlert, RuleCase } from '../run-rule-cases.ts';
import { healthy, ofReplica, samples, type ScrapedSeries, type Stretch } from '../series.ts';

/** Two aggregators, of which one reports a reason for a while. */
function reporting(reason: HealthReason, minutes: number, stretches: readonly Stretch[]): ScrapedSeries {
  return {
    ...healthy(minutes),
    [ofReplica('streamfold_health_reason', { reason })]: samples(...stretches),
    [ofReplica('streamfold_health_reason', { instance: 'b:3000', reason })]: samples([minutes, 0]),
  };
}

/** An alert on a reason of aggregator `a`. */
function firingOn(
  reason: HealthReason,
  {
    alert,
    severity,
    summary,
    description,
    atMinutes,
  }: Omit<FiringAlert, 'labels' | 'dashboard'> & {
    severity: string;
  },
): FiringAlert {
  return {
    alert,
    atMinutes,
    labels: { severity, subject: 'health', instance: 'a:3000', reason },
    summary,
    description,
    dashboard: '/d/streamfold',
  };
}

export const HEALTH_CASES: readonly RuleCase[] = [
  {
    title:
      'a state that is unreadable for 4 minutes fires StreamfoldSnapshotUnreadable, until it is readable',
    minutes: 12,
    series: reporting('snapshot_unreadable', 12, [
      [2, 0],
      [4, 1],
      [6, 0],
    ]),
    fires: [
      firingOn('snapshot_unreadable', {
        alert: 'StreamfoldSnapshotUnreadable',
        severity: 'critical',
        atMinutes: 5,
        summary: 'The state cannot be read',
        description:
          'Aggregator a:3000 finds no snapshot that connects to the delta log. It cannot serve the metrics of the swarm until a rebuild.',
      }),
    ],
    resolved: ['StreamfoldSnapshotUnreadable'],
  },
  {
    title:
      'an aggregator whose consumer group is missing for 10 minutes fires StreamfoldUnhealthy, until it is back',
    minutes: 20,
    series: reporting('group_missing', 20, [
      [2, 0],
      [10, 1],
      [8, 0],
    ]),
    fires: [
      firingOn('group_missing', {
        alert: 'StreamfoldUnhealthy',
        severity: 'critical',
        atMinutes: 10,
        summary: 'An aggregator is unhealthy',
        description: 'Aggregator a:3000 is unhealthy, reason group_missing.',
      }),
    ],
    resolved: ['StreamfoldUnhealthy'],
  },
  {
    title:
      'an aggregator whose view is stalled for 20 minutes fires StreamfoldDegraded, until it follows again',
    minutes: 30,
    series: reporting('view_stalled', 30, [
      [2, 0],
      [20, 1],
      [8, 0],
    ]),
    fires: [
      firingOn('view_stalled', {
        alert: 'StreamfoldDegraded',
        severity: 'warning',
        atMinutes: 20,
        summary: 'An aggregator is degraded',
        description: 'Aggregator a:3000 is degraded, reason view_stalled.',
      }),
    ],
    resolved: ['StreamfoldDegraded'],
  },
  {
    title: 'an archive that is stopped for 20 minutes fires StreamfoldArchiveStopped, until it continues',
    minutes: 30,
    series: reporting('archive_stopped', 30, [
      [2, 0],
      [20, 1],
      [8, 0],
    ]),
    fires: [
      firingOn('archive_stopped', {
        alert: 'StreamfoldArchiveStopped',
        severity: 'warning',
        atMinutes: 20,
        summary: 'Streams are no longer archived',
        description:
          'Aggregator a:3000 reports a shard that is neither archived nor trimmed; its stream grows.',
      }),
    ],
    resolved: ['StreamfoldArchiveStopped'],
  },
  {
    title: 'a nearly full inbox fires StreamfoldKeysNearBound after 10 minutes, until it is emptier',
    minutes: 20,
    series: reporting('keys_near_bound', 20, [
      [2, 0],
      [10, 1],
      [8, 0],
    ]),
    fires: [
      firingOn('keys_near_bound', {
        alert: 'StreamfoldKeysNearBound',
        severity: 'warning',
        atMinutes: 10,
        summary: 'An inbox is nearly full',
        description:
          'Aggregator a:3000 reports an inbox that is at least 80 % full. Once it is full, signals to its coordinator are rejected.',
      }),
    ],
    resolved: ['StreamfoldKeysNearBound'],
  },
  {
    title: 'an aggregator that cannot commit for 5 minutes fires StreamfoldCommitsRefused, until it can',
    minutes: 12,
    series: reporting('commits_refused', 12, [
      [2, 0],
      [5, 1],
      [5, 0],
    ]),
    fires: [
      firingOn('commits_refused', {
        alert: 'StreamfoldCommitsRefused',
        severity: 'warning',
        atMinutes: 5,
        summary: 'Entries are read but not committed',
        description:
          'Aggregator a:3000 reports entries that are read but not committed, reason commits_refused.',
      }),
    ],
    resolved: ['StreamfoldCommitsRefused'],
  },
  {
    title: 'monitors that make no step for 10 minutes fire StreamfoldMonitorStalled, until one does',
    minutes: 20,
    series: reporting('monitor_stalled', 20, [
      [2, 0],
      [10, 1],
      [8, 0],
    ]),
    fires: [
      firingOn('monitor_stalled', {
        alert: 'StreamfoldMonitorStalled',
        severity: 'warning',
        atMinutes: 10,
        summary: 'No monitor watches the coordinators',
        description: 'Aggregator a:3000 reports that no monitor has checked for overdue items for a minute.',
      }),
    ],
    resolved: ['StreamfoldMonitorStalled'],
  },
  {
    title:
      'malformed records set aside for 20 minutes fire StreamfoldRecordsSetAside, until the notes are removed',
    minutes: 30,
    series: reporting('records_set_aside', 30, [
      [2, 0],
      [20, 1],
      [8, 0],
    ]),
    fires: [
      firingOn('records_set_aside', {
        alert: 'StreamfoldRecordsSetAside',
        severity: 'warning',
        atMinutes: 20,
        summary: 'Malformed records are not monitored',
        description: 'Monitors have set malformed records of coordinators, waits or signals aside.',
      }),
    ],
    resolved: ['StreamfoldRecordsSetAside'],
  },
  {
    title: 'a clock that steps back fires nothing: it is over after a grace period',
    minutes: 10,
    series: reporting('redis_clock_stepped_back', 10, [
      [2, 1],
      [8, 0],
    ]),
  },
  {
    title: 'an aggregator that takes two minutes to reach Redis fires nothing',
    minutes: 10,
    series: reporting('redis_unreachable', 10, [
      [2, 1],
      [8, 0],
    ]),
  },
];
