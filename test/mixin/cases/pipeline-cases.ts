import type { FiringAlert, RuleCase } from '../run-rule-cases.ts';
import {
  healthy,
  LONG_AGO,
  ofReplica,
  ofSwarm,
  samples,
  type ScrapedSeries,
  type Stretch,
} from '../series.ts';
import { gone } from './event-cases.ts';

const BLIND =
  'for job blocking-coordination: the coordinators are not monitored, and no alert on them can fire.';

const NOT_SERVED: FiringAlert = {
  alert: 'StreamfoldTargetDown',
  atMinutes: 6,
  labels: {
    severity: 'critical',
    subject: 'scraping',
    job: 'blocking-coordination',
    instance: 'streamfold:3000',
  },
  summary: "The swarm's metrics are not served",
  description: `Prometheus cannot scrape streamfold:3000 ${BLIND}`,
  dashboard: '/d/streamfold',
};

const REPLICA_DOWN: FiringAlert = {
  ...NOT_SERVED,
  labels: { severity: 'warning', subject: 'scraping', job: 'streamfold', instance: 'b:3000' },
  summary: 'An aggregator does not answer',
  description: 'Prometheus cannot scrape b:3000 for job streamfold.',
};

function without(series: ScrapedSeries, text: string): ScrapedSeries {
  return Object.fromEntries(Object.entries(series).filter(([name]) => !name.includes(text)));
}

const targetDown: readonly RuleCase[] = [
  {
    title:
      'a swarm target that is down and comes back with large counters fires StreamfoldTargetDown and nothing else',
    minutes: 30,
    series: gone(healthy(30), { from: 3, until: 15, minutes: 30 }),
    fires: [NOT_SERVED],
    resolved: ['StreamfoldTargetDown'],
  },
  {
    title: 'a job without a target fires StreamfoldTargetDown',
    minutes: 10,
    series: without(healthy(10), 'blocking-coordination'),
    fires: [
      {
        ...NOT_SERVED,
        labels: { severity: 'critical', subject: 'scraping', job: 'blocking-coordination' },
        description: `Prometheus has no target ${BLIND}`,
      },
    ],
  },
  {
    title: 'one of two aggregators being down fires StreamfoldTargetDown as a warning',
    minutes: 10,
    series: { ...healthy(10), [ofReplica('up', { instance: 'b:3000' })]: samples([3, 1], [7, 0]) },
    fires: [REPLICA_DOWN],
  },
  {
    title: 'a single scrape that fails fires nothing',
    minutes: 15,
    series: gone(healthy(15), { from: 3, until: 3.5, minutes: 15 }),
  },
];

function onBoth(
  name: string,
  labels: Readonly<Record<string, string>>,
  values: readonly Stretch[],
): ScrapedSeries {
  return Object.fromEntries(
    ['a:3000', 'b:3000'].map((instance) => [ofReplica(name, { instance, ...labels }), samples(...values)]),
  );
}

const LAGGING: FiringAlert = {
  alert: 'StreamfoldLagGrowing',
  atMinutes: 10,
  labels: { severity: 'warning', subject: 'folding', shard: '1' },
  summary: 'Folding falls behind',
  description:
    'The oldest entry of shard 1 that is not folded is 4m 0s old, and the lag does not shrink: metrics and alerts on the swarm are late by that time.',
  dashboard: '/d/streamfold',
};

const STANDING: FiringAlert = {
  alert: 'StreamfoldNotFolding',
  atMinutes: 8,
  labels: { severity: 'critical', subject: 'folding' },
  summary: 'Events arrive but none is folded',
  description:
    '150 entries have been waiting, and no aggregator has folded any for minutes: the metrics of the swarm do not change.',
  dashboard: '/d/streamfold',
};

const folding: readonly RuleCase[] = [
  {
    title: 'a lag that grows for eight minutes fires StreamfoldLagGrowing of its shard, until it shrinks',
    minutes: 20,
    series: {
      ...healthy(20),
      ...onBoth('streamfold_lag_seconds', { shard: '1' }, [
        [2, 0],
        [10, { from: 0, by: 15 }],
        [8, { from: 300, by: -15 }],
      ]),
    },
    fires: [LAGGING],
    resolved: ['StreamfoldLagGrowing'],
  },
  {
    title: 'a lag that fluctuates around two minutes fires StreamfoldLagGrowing',
    minutes: 20,
    series: {
      ...healthy(20),
      ...onBoth(
        'streamfold_lag_seconds',
        { shard: '1' },
        Array.from({ length: 20 }, (_, minute) => [1, minute % 3 === 0 ? 110 : 125]),
      ),
    },
    fires: [{ ...LAGGING, description: LAGGING.description.replace('4m 0s', '2m 5s') }],
  },
  {
    title: 'a lag of an hour that shrinks does not fire StreamfoldLagGrowing',
    minutes: 20,
    series: {
      ...healthy(20),
      ...onBoth('streamfold_lag_seconds', { shard: '0' }, [[20, { from: 3_600, by: -40 }]]),
    },
  },
  {
    title: 'a lag that stays below a minute does not fire StreamfoldLagGrowing',
    minutes: 15,
    series: {
      ...healthy(15),
      ...onBoth('streamfold_lag_seconds', { shard: '0' }, [[15, { from: 0, by: 1.9 }]]),
    },
  },
  {
    title: 'entries that wait while no aggregator folds any fire StreamfoldNotFolding, until one does',
    minutes: 20,
    series: {
      ...healthy(20),
      ...onBoth('streamfold_lag_entries', { shard: '0' }, [
        [2, 0],
        [10, { from: 0, by: 25 }],
        [8, 0],
      ]),
      ...onBoth('streamfold_entries_folded_total', {}, [
        [2, { from: 0, by: 7 }],
        [10, 28],
        [8, { from: 528, by: 7 }],
      ]),
    },
    fires: [STANDING],
    resolved: ['StreamfoldNotFolding'],
  },
  {
    title: 'entries that always wait while others are folded do not fire StreamfoldNotFolding',
    minutes: 15,
    series: { ...healthy(15), ...onBoth('streamfold_lag_entries', { shard: '0' }, [[15, 5_000]]) },
  },
  {
    title: 'aggregators that have nothing to fold fire nothing',
    minutes: 15,
    series: {
      ...healthy(15),
      ...onBoth('streamfold_lag_entries', { shard: '0' }, [[15, 0]]),
      ...onBoth('streamfold_entries_folded_total', {}, [[15, 1_000]]),
    },
  },
];

const LOST: FiringAlert = {
  alert: 'StreamfoldEntriesLost',
  atMinutes: 5,
  labels: { severity: 'critical', subject: 'entries', reason: 'trimmed' },
  summary: 'Entries were lost before they were folded',
  description:
    'About 7 entries were trimmed before they were folded, within a quarter of an hour: their counts are permanently missing from the metrics.',
  dashboard: '/d/streamfold',
};

const DEAD: FiringAlert = {
  alert: 'StreamfoldDeadLetters',
  atMinutes: 5,
  labels: { severity: 'warning', subject: 'events', reason: 'unknown_type' },
  summary: 'Events became dead letters',
  description: 'About 7 events went to the dead letters within a quarter of an hour, reason unknown_type.',
  dashboard: '/d/streamfold',
};

const FACTS = [
  { fact: LOST, counter: ofReplica('streamfold_entries_lost_total', { reason: 'trimmed' }) },
  { fact: DEAD, counter: ofReplica('streamfold_dead_letters_total', { reason: 'unknown_type' }) },
];

/** One of the two aggregators restarts two minutes after the beginning: its counters start at 0. */
function restartedAt2(minutes: number): ScrapedSeries {
  const again = (before: number, after: number): string =>
    samples([2, before], [1, 'gone'], [minutes - 3, after]);
  return {
    ...healthy(minutes),
    [ofReplica('process_start_time_seconds')]: again(LONG_AGO, 170),
    [ofReplica('streamfold_entries_lost_total', { reason: 'trimmed' })]: again(500, 0),
    [ofReplica('streamfold_dead_letters_total', { reason: 'invalid_field' })]: again(500, 0),
  };
}

const facts: readonly RuleCase[] = FACTS.flatMap(({ fact, counter }) => {
  const { alert } = fact;
  return [
    {
      title: `one count by one aggregator fires ${alert} for a quarter of an hour`,
      minutes: 30,
      series: { ...healthy(30), [counter]: samples([3, 0], [27, 7]) },
      fires: [fact],
      resolved: [alert],
    },
    {
      title: `a count before the first scrape of an aggregator fires ${alert}`,
      minutes: 30,
      series: { ...restartedAt2(30), [counter]: samples([2, 7], [1, 'gone'], [27, 7]) },
      fires: [fact],
      resolved: [alert],
    },
    {
      title: `a Prometheus started long after the aggregators does not fire ${alert}`,
      minutes: 30,
      series: { ...healthy(30), [counter]: samples([1, 'gone'], [29, 7]) },
    },
    {
      title: `a restarted aggregator that counts nothing does not fire ${alert}`,
      minutes: 30,
      series: { ...restartedAt2(30), [counter]: samples([2, 7], [1, 'gone'], [27, 0]) },
    },
  ];
});

const TWICE: FiringAlert = {
  alert: 'StreamfoldSwarmMetricsServedTwice',
  atMinutes: 10,
  labels: { severity: 'warning', subject: 'scraping' },
  summary: "Prometheus scrapes the swarm's metrics more than once",
  description:
    '2 targets expose the metrics of the swarm. Each exposes all of them, so sums count everything that many times.',
  dashboard: '/d/streamfold',
};

const servedTwice: readonly RuleCase[] = [
  {
    title: 'two targets of the swarm job fire StreamfoldSwarmMetricsServedTwice',
    minutes: 15,
    series: { ...healthy(15), [ofSwarm('up', { instance: 'other:3000' })]: samples([15, 1]) },
    fires: [TWICE],
  },
  {
    title:
      'an aggregator whose swarm metrics are scraped by the other job too fires StreamfoldSwarmMetricsServedTwice',
    minutes: 15,
    series: { ...healthy(15), [ofReplica('blocking_waits', { swarm_id: 's' })]: samples([15, 0]) },
    fires: [TWICE],
  },
  {
    title: 'a swarm target that moves to another address fires nothing',
    minutes: 15,
    series: Object.fromEntries(
      Object.entries(healthy(15)).flatMap(([name, values]) => {
        if (!name.includes('streamfold:3000')) return [[name, values]];
        const [value = ''] = values.split(' ');
        return [
          [name, samples([5, Number(value)], [10, 'gone'])],
          [name.replace('streamfold:3000', 'other:3000'), samples([5, 'gone'], [10, Number(value)])],
        ];
      }),
    ),
  },
];

const neededSince = (minutes: number, stretches: readonly Stretch[]): ScrapedSeries => ({
  ...healthy(minutes),
  [ofReplica('streamfold_rebuild_needed')]: samples(...stretches),
  [ofReplica('streamfold_rebuild_needed', { instance: 'b:3000' })]: samples([minutes, 0]),
});

const rebuildNeeded: readonly RuleCase[] = [
  {
    title:
      'an aggregator configured differently from the live generation fires StreamfoldRebuildNeeded, until a rebuild',
    minutes: 40,
    series: neededSince(40, [
      [2, 0],
      [25, 1],
      [13, 0],
    ]),
    fires: [
      {
        alert: 'StreamfoldRebuildNeeded',
        atMinutes: 20,
        labels: { severity: 'warning', subject: 'definitions' },
        summary: 'Aggregators serve other metrics than they are configured with',
        description:
          'Aggregators whose configured definitions differ from those of the live generation: 1. Changes take effect after a rebuild.',
        dashboard: '/d/streamfold',
      },
    ],
    resolved: ['StreamfoldRebuildNeeded'],
  },
  {
    title: 'a rebuild soon after a deployment fires nothing',
    minutes: 30,
    series: neededSince(30, [
      [2, 0],
      [10, 1],
      [18, 0],
    ]),
  },
];

const lettersKept: readonly RuleCase[] = [
  {
    title:
      'dead letters that wait for 20 minutes fire StreamfoldDeadLettersKept of their shard, until they are dropped',
    minutes: 30,
    series: {
      ...healthy(30),
      ...onBoth('streamfold_dead_letters_kept', { shard: '1' }, [
        [2, 0],
        [20, 7],
        [8, 0],
      ]),
    },
    fires: [
      {
        alert: 'StreamfoldDeadLettersKept',
        atMinutes: 20,
        labels: { severity: 'warning', subject: 'events', shard: '1' },
        summary: 'Dead letters wait for a decision',
        description:
          'The dead-letter stream of shard 1 holds 7 events that could not be folded. Retry or drop them.',
        dashboard: '/d/streamfold',
      },
    ],
    resolved: ['StreamfoldDeadLettersKept'],
  },
];

export const PIPELINE_CASES: readonly RuleCase[] = [
  ...targetDown,
  ...folding,
  ...facts,
  ...servedTwice,
  ...rebuildNeeded,
  ...lettersKept,
];
