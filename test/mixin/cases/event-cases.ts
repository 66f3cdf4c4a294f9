import type { FiringAlert, RuleCase } from '../run-rule-cases.ts';
import { healthy, histogramOf, ofSwarm, samples, type ScrapedSeries, type Stretch } from '../series.ts';

/**
 * Coordinators that die once each, within a minute and a half: every series is born at 1. `minutes` is the total length,
 * `from` the time of the first death.
 */
function deaths(count: number, { minutes, from }: { minutes: number; from: number }): ScrapedSeries {
  const all: Record<string, string> = {};
  for (let death = 0; death < count; death++) {
    const born = from + Math.floor((3 * death) / count) / 2;
    const once = samples([born, 'gone'], [minutes - born, 1]);
    const coordinator_id = `c${death}`;
    all[ofSwarm('heartbeat_failures_total', { coordinator_id, failure_type: 'stale' })] = once;
    all[ofSwarm('heartbeat_failures_total', { coordinator_id, failure_type: 'timeout' })] = once;
    all[ofSwarm('timeout_events_total', { coordinator_id, timeout_type: 'heartbeat' })] = once;
  }
  return all;
}

/** The samples of a swarm to which nothing has ever happened. */
function untouched(minutes: number): ScrapedSeries {
  const NEVER = /^(heartbeat_failures_total|timeout_events_total|blocking_duration|signal_delivery)/;
  return Object.fromEntries(Object.entries(healthy(minutes)).filter(([series]) => !NEVER.test(series)));
}

const LOST_HEARTBEATS: FiringAlert = {
  alert: 'HeartbeatFailures',
  atMinutes: 7,
  labels: { severity: 'critical', subject: 'coordinators' },
  summary: 'Coordinators lose their heartbeats',
  description: '40 coordinators missed their heartbeats, or were declared dead, within five minutes.',
  dashboard: '/d/blocking-coordination',
};

const TIMEOUTS: FiringAlert = {
  alert: 'TimeoutEvents',
  atMinutes: 7,
  labels: { severity: 'critical', subject: 'timeouts', timeout_type: 'heartbeat' },
  summary: 'Coordinators time out often',
  description: '40 timeouts of type heartbeat within five minutes.',
  dashboard: '/d/blocking-coordination',
};

const massDeaths: readonly RuleCase[] = [
  {
    title:
      'forty coordinators that die once each, as the first events of all, fire HeartbeatFailures and TimeoutEvents',
    minutes: 15,
    series: { ...untouched(15), ...deaths(40, { minutes: 15, from: 3 }) },
    fires: [LOST_HEARTBEATS, TIMEOUTS],
    resolved: ['HeartbeatFailures', 'TimeoutEvents'],
  },
  {
    title: 'forty coordinators that die once each fire their alerts beside large counters',
    minutes: 15,
    series: { ...healthy(15), ...deaths(40, { minutes: 15, from: 3 }) },
    fires: [LOST_HEARTBEATS, TIMEOUTS],
    resolved: ['HeartbeatFailures', 'TimeoutEvents'],
  },
  {
    title: 'forty coordinators that die while the aggregator is restarted fire their alerts',
    minutes: 15,
    series: {
      ...gone(untouched(15), { from: 3.5, until: 4.5, minutes: 15 }),
      ...deaths(40, { minutes: 15, from: 4.5 }),
    },
    fires: [
      { ...LOST_HEARTBEATS, atMinutes: 8 },
      { ...TIMEOUTS, atMinutes: 8 },
    ],
    resolved: ['HeartbeatFailures', 'TimeoutEvents'],
  },
  {
    title: 'a restart of the aggregator right after forty deaths does not keep their alerts from firing',
    minutes: 15,
    series: gone(
      { ...untouched(15), ...deaths(40, { minutes: 15, from: 3 }) },
      { from: 5, until: 6, minutes: 15 },
    ),
    fires: [LOST_HEARTBEATS, TIMEOUTS],
    resolved: ['HeartbeatFailures', 'TimeoutEvents'],
  },
  {
    title: 'one coordinator that dies, as the first event of all, fires nothing',
    minutes: 15,
    series: { ...untouched(15), ...deaths(1, { minutes: 15, from: 3 }) },
  },
  {
    title: 'thirty coordinators that die, each stale and then declared dead, fire nothing',
    minutes: 15,
    series: { ...healthy(15), ...deaths(30, { minutes: 15, from: 3 }) },
  },
  {
    title: 'forty coordinators that die within an hour fire nothing',
    minutes: 60,
    series: {
      ...healthy(60),
      [ofSwarm('heartbeat_failures_total', { coordinator_id: 'all', failure_type: 'missing' })]: samples([
        60,
        { from: 0, by: 1 / 3 },
      ]),
    },
  },
];

/** The target is down for a while: its series are gone, and `up` is 0. */
export function gone(
  series: ScrapedSeries,
  { from, until, minutes }: { from: number; until: number; minutes: number },
): ScrapedSeries {
  const before = from * 2;
  const after = until * 2;
  return Object.fromEntries(
    Object.entries(series).map(([name, values]) => {
      if (!name.includes('job="blocking-coordination"')) return [name, values];
      const all = values.split(' ');
      const between = all.slice(before, after).map((_, at) => (at === 0 ? 'stale' : '_'));
      return name.startsWith('up{')
        ? [name, samples([from, 1], [until - from, 0], [minutes - until, 1])]
        : [name, [...all.slice(0, before), ...between, ...all.slice(after)].join(' ')];
    }),
  );
}

/** Recorded ACKs: all of them, and those within five seconds. */
function acks(signalType: string, all: readonly Stretch[], quick: readonly Stretch[]): ScrapedSeries {
  const labels = { sender_id: 'a', receiver_id: 'c', signal_type: signalType };
  return histogramOf('signal_delivery_latency_seconds', labels, [
    { bound: 5, values: samples(...quick) },
    { bound: '+Inf', values: samples(...all) },
  ]);
}

const LATE_ACKS: FiringAlert = {
  alert: 'HighSignalLatency',
  atMinutes: 10,
  labels: { severity: 'warning', subject: 'signals', signal_type: 'completion' },
  summary: 'Signals are acknowledged late',
  description: '20% of the ACKs of completion came later than 5s after the signal.',
  dashboard: '/d/blocking-coordination',
};

const highSignalLatency: readonly RuleCase[] = [
  {
    title:
      'one late ACK in five for ten minutes fires HighSignalLatency for its type, however many of other types are quick',
    minutes: 24,
    series: {
      ...healthy(24),
      ...acks(
        'completion',
        [
          [2, 0],
          [10, { from: 0, by: 5 }],
          [12, 95],
        ],
        [
          [2, 0],
          [10, { from: 0, by: 4 }],
          [12, 76],
        ],
      ),
      ...acks('handoff', [[24, { from: 0, by: 1_000 }]], [[24, { from: 0, by: 1_000 }]]),
    },
    fires: [LATE_ACKS],
    resolved: ['HighSignalLatency'],
  },
  {
    title: 'fifty late ACKs at one moment do not fire HighSignalLatency',
    minutes: 15,
    series: {
      ...healthy(15),
      ...acks(
        'completion',
        [
          [2, 0],
          [13, 50],
        ],
        [[15, 0]],
      ),
    },
  },
  {
    title: 'four late ACKs in a hundred do not fire HighSignalLatency',
    minutes: 15,
    series: {
      ...healthy(15),
      ...acks('completion', [[15, { from: 0, by: 100 }]], [[15, { from: 0, by: 96 }]]),
    },
  },
  {
    title: 'a late ACK every five minutes as the only ACK does not fire HighSignalLatency',
    minutes: 30,
    series: {
      ...healthy(30),
      ...acks(
        'completion',
        [
          [5, 1],
          [5, 2],
          [5, 3],
          [5, 4],
          [5, 5],
          [5, 6],
        ],
        [[30, 0]],
      ),
    },
  },
];

const NOBODY: FiringAlert = {
  alert: 'NoActiveCoordinators',
  atMinutes: 15,
  labels: { severity: 'info', subject: 'coordinators', job: 'blocking-coordination' },
  summary: 'No coordinator is alive',
  description: '0 coordinators are alive in any swarm, although the metrics are scraped.',
  dashboard: '/d/blocking-coordination',
};

const alive = ofSwarm('blocking_coordinators_total', { swarm_id: 's', phase: 'build', status: 'active' });

const noActiveCoordinators: readonly RuleCase[] = [
  {
    title: 'a swarm that never had a live coordinator fires NoActiveCoordinators',
    minutes: 20,
    series: { ...healthy(20), [alive]: samples([20, 'gone']) },
    fires: [NOBODY],
  },
  {
    title: 'the departure of the last coordinator fires NoActiveCoordinators, until another one joins',
    minutes: 25,
    series: { ...healthy(25), [alive]: samples([3, 1], [15, 'gone'], [7, 1]) },
    fires: [NOBODY],
    resolved: ['NoActiveCoordinators'],
  },
  {
    title: 'a swarm without coordinators for nine minutes does not fire NoActiveCoordinators',
    minutes: 20,
    series: { ...healthy(20), [alive]: samples([3, 1], [9, 'gone'], [8, 1]) },
  },
];

export const EVENT_CASES: readonly RuleCase[] = [
  ...massDeaths,
  ...highSignalLatency,
  ...noActiveCoordinators,
];
