import type { FiringAlert, RuleCase } from '../run-rule-cases.ts';
import { healthy, histogramOf, ofSwarm, samples, type Stretch } from '../series.ts';

function coordinators(
  status: string,
  swarm: string,
  ...stretches: readonly Stretch[]
): Record<string, string> {
  const labels = { swarm_id: swarm, phase: 'build', status };
  return { [ofSwarm('blocking_coordinators_total', labels)]: samples(...stretches) };
}

const ELEVEN_BLOCKED: FiringAlert = {
  alert: 'HighBlockingCoordinators',
  atMinutes: 8,
  labels: { severity: 'warning', subject: 'waits', status: 'blocked' },
  summary: 'Many coordinators are blocked',
  description: '11 coordinators are blocked by an open wait; more than 10 is unusual.',
  dashboard: '/d/blocking-coordination',
};

const highBlockingCoordinators: readonly RuleCase[] = [
  {
    title: 'eleven coordinators blocked for five minutes fire HighBlockingCoordinators',
    minutes: 20,
    series: {
      ...healthy(20),
      ...coordinators('blocked', 's', [2, 0], [10, 5], [8, 0]),
      ...coordinators('blocked', 't', [2, 0], [10, 6], [8, 0]),
    },
    fires: [ELEVEN_BLOCKED],
    resolved: ['HighBlockingCoordinators'],
  },
  {
    title: 'eleven coordinators blocked across a restart of the aggregator fire HighBlockingCoordinators',
    minutes: 20,
    series: {
      ...healthy(20),
      [ofSwarm('up')]: samples([5, 1], [1, 0], [14, 1]),
      ...coordinators('blocked', 's', [2, 0], [3, 11], [1, 'gone'], [14, 11]),
    },
    fires: [ELEVEN_BLOCKED],
  },
  {
    title: 'a hundred coordinators of which ten are blocked do not fire HighBlockingCoordinators',
    minutes: 20,
    series: {
      ...healthy(20),
      ...coordinators('blocked', 's', [20, 10]),
      ...coordinators('active', 's', [20, 60]),
      ...coordinators('stale', 's', [20, 30]),
    },
  },
  {
    title: 'eleven coordinators blocked for four minutes do not fire HighBlockingCoordinators',
    minutes: 20,
    series: { ...healthy(20), ...coordinators('blocked', 's', [2, 0], [4, 11], [14, 2]) },
  },
];

/** Ended waits: all of them, and those that took up to five minutes. */
function waits(status: string, all: string, quick: string): Record<string, string> {
  const labels = { swarm_id: 's', coordinator_id: 'c', status };
  return histogramOf('blocking_duration_seconds', labels, [
    { bound: 300, values: quick },
    { bound: '+Inf', values: all },
  ]);
}

function slowWaits(status: string, share: string): FiringAlert {
  return {
    alert: 'HighBlockingDuration',
    atMinutes: 10,
    labels: { severity: 'warning', subject: 'waits', status },
    summary: 'Waits take too long',
    description: `${share} of the waits that ended as ${status} had taken longer than 5m.`,
    dashboard: '/d/blocking-coordination',
  };
}

const highBlockingDuration: readonly RuleCase[] = [
  {
    title: 'three slow waits, as the first of all, fire HighBlockingDuration',
    minutes: 30,
    series: {
      ...healthy(30),
      ...waits('error', samples([2, 'gone'], [28, 3]), samples([2, 'gone'], [28, 0])),
    },
    fires: [slowWaits('error', '100%')],
    resolved: ['HighBlockingDuration'],
  },
  {
    title: 'one slow wait in ten fires HighBlockingDuration',
    minutes: 24,
    series: {
      ...healthy(24),
      ...waits(
        'completed',
        samples([2, 900], [1, 910], [1, 920], [20, 930]),
        samples([2, 900], [1, 909], [1, 918], [20, 927]),
      ),
    },
    fires: [slowWaits('completed', '10%')],
    resolved: ['HighBlockingDuration'],
  },
  {
    title: 'slow timeouts among a thousand quick completions fire HighBlockingDuration for the timeouts',
    minutes: 24,
    series: {
      ...healthy(24),
      ...waits('completed', samples([2, 0], [22, 1_000]), samples([2, 0], [22, 1_000])),
      ...waits('timeout', samples([2, 0], [22, 5]), samples([2, 0], [22, 1])),
    },
    fires: [slowWaits('timeout', '80%')],
    resolved: ['HighBlockingDuration'],
  },
  {
    title: 'slow waits of which only the buckets are kept fire HighBlockingDuration',
    minutes: 30,
    series: {
      ...healthy(30),
      ...Object.fromEntries(
        Object.entries(waits('timeout', samples([2, 0], [28, 5]), samples([2, 0], [28, 1]))).filter(
          ([series]) => series.includes('_bucket{'),
        ),
      ),
    },
    fires: [slowWaits('timeout', '80%')],
    resolved: ['HighBlockingDuration'],
  },
  {
    title: 'a single slow wait does not fire HighBlockingDuration',
    minutes: 30,
    series: {
      ...healthy(30),
      ...waits('timeout', samples([2, 'gone'], [28, 1]), samples([2, 'gone'], [28, 0])),
    },
  },
  {
    title: 'three slow waits in a hundred do not fire HighBlockingDuration',
    minutes: 30,
    series: { ...healthy(30), ...waits('timeout', samples([2, 0], [28, 100]), samples([2, 0], [28, 97])) },
  },
];

function oldestWait(...stretches: readonly Stretch[]): Record<string, string> {
  return { [ofSwarm('blocking_oldest_wait_seconds', { swarm_id: 's/1' })]: samples(...stretches) };
}

const STUCK: FiringAlert = {
  alert: 'StuckCoordinator',
  atMinutes: 35,
  labels: { severity: 'critical', subject: 'waits', swarm_id: 's/1' },
  summary: 'A coordinator is stuck in a wait',
  description: 'The oldest open wait of swarm s/1 has been open for 33m 0s.',
  dashboard: '/d/blocking-coordination-swarm?var-swarm_id=s%2F1',
};

const stuckCoordinator: readonly RuleCase[] = [
  {
    title: 'a wait that has been open for half an hour fires StuckCoordinator, until it ends',
    minutes: 50,
    series: { ...healthy(50), ...oldestWait([2, 0], [38, { from: 0, by: 30 }], [10, 0]) },
    fires: [STUCK],
    resolved: ['StuckCoordinator'],
  },
  {
    title: 'StuckCoordinator keeps firing while the aggregator restarts',
    minutes: 40,
    series: {
      ...healthy(40),
      [ofSwarm('up')]: samples([34, 1], [1, 0], [5, 1]),
      ...oldestWait([2, 0], [32, { from: 0, by: 30 }], [1, 'gone'], [5, { from: 1_980, by: 30 }]),
    },
    fires: [{ ...STUCK, atMinutes: 34.5, description: STUCK.description.replace('33m 0s', '31m 30s') }],
  },
  {
    title: 'waits of 29 minutes, one after the other, do not fire StuckCoordinator',
    minutes: 90,
    series: {
      ...healthy(90),
      ...oldestWait([29, { from: 0, by: 30 }], [29, { from: 0, by: 30 }], [29, { from: 0, by: 30 }], [3, 0]),
    },
  },
];

export const BLOCKING_CASES: readonly RuleCase[] = [
  ...highBlockingCoordinators,
  ...highBlockingDuration,
  ...stuckCoordinator,
];
