import type { RuleCase } from '../run-rule-cases.ts';
import {
  healthy,
  histogramOf,
  LONG_AGO,
  ofReplica,
  ofSwarm,
  samples,
  type ScrapedSeries,
  type Stretch,
} from '../series.ts';
import { gone } from './event-cases.ts';

const MINUTES = 30;

/** The sums of the swarm are scaled from a given minute on: the scraped state is another one. */
function withCounters(factor: number, fromMinutes: number): ScrapedSeries {
  return Object.fromEntries(
    Object.entries(healthy(MINUTES)).map(([name, values]) => {
      if (!/_total\{|_bucket\{|_count\{/.test(name) || !name.includes('job="blocking-coordination"'))
        return [name, values];
      if (name.startsWith('blocking_coordinators')) return [name, values];
      const at = fromMinutes * 2;
      const scaled = values
        .split(' ')
        .map((value, index) => (index < at ? value : String(Number(value) * factor)));
      return [name, scaled.join(' ')];
    }),
  );
}

/** From a given minute on the same counts are shown without the id of the coordinator. */
function relabelled(fromMinutes: number): ScrapedSeries {
  const rest = MINUTES - fromMinutes;
  return Object.fromEntries(
    Object.entries(healthy(MINUTES)).flatMap(([name, values]) => {
      if (!name.includes('coordinator_id="old"')) return [[name, values]];
      const value = Number(values.split(' ')[0]);
      return [
        [name, samples([fromMinutes, value], [rest, 'gone'])],
        [
          name.replace('coordinator_id="old"', 'coordinator_id="other"'),
          samples([fromMinutes, 'gone'], [rest, value]),
        ],
      ];
    }),
  );
}

function restarted(
  name: string,
  labels: Readonly<Record<string, string>>,
  stretches: readonly Stretch[],
): ScrapedSeries {
  return { [ofReplica(name, labels)]: samples(...stretches) };
}

/** A rebuild gives both histograms custom buckets at minute 10, without those that the alerts use. */
function rebucketed(): ScrapedSeries {
  const others = Object.entries(healthy(MINUTES)).filter(([name]) => !/_bucket\{|_count\{/.test(name));
  const growing = samples([10, 1_000], [MINUTES - 10, { from: 1_000, by: 10 }]);
  const before = samples([10, 1_000], [MINUTES - 10, 'gone']);
  const after = samples([10, 'gone'], [MINUTES - 10, { from: 1_000, by: 10 }]);
  const rebuilt = (alerted: number, own: number): { bound: number | '+Inf'; values: string }[] => [
    { bound: alerted, values: before },
    { bound: own, values: after },
    { bound: '+Inf', values: growing },
  ];
  const wait = { swarm_id: 's', coordinator_id: 'c', status: 'completed' };
  const signal = { sender_id: 'a', receiver_id: 'b', signal_type: 'go' };
  return {
    ...Object.fromEntries(others),
    ...histogramOf('blocking_duration_seconds', wait, rebuilt(300, 20)),
    ...histogramOf('signal_delivery_latency_seconds', signal, rebuilt(5, 2.5)),
  };
}

/** Situations in which no alert at all may fire. */
export const QUIET_CASES: readonly RuleCase[] = [
  {
    title: 'a swarm that is idle for an hour fires nothing',
    minutes: 60,
    series: healthy(60),
  },
  {
    title: 'custom buckets without those that the alerts use fire nothing',
    minutes: MINUTES,
    series: rebucketed(),
  },
  {
    title: 'a Prometheus that has just started on large counters fires nothing',
    minutes: MINUTES,
    series: Object.fromEntries(
      Object.entries(healthy(MINUTES)).map(([name, values]) => [name, values.replace(/^\S+ \S+/, '_ _')]),
    ),
  },
  {
    title: 'an aggregator that is restarted fires nothing',
    minutes: MINUTES,
    series: {
      ...gone(healthy(MINUTES), { from: 5, until: 6, minutes: MINUTES }),
      ...restarted('up', {}, [
        [5, 1],
        [1, 0],
        [24, 1],
      ]),
      ...restarted('streamfold_entries_lost_total', { reason: 'trimmed' }, [
        [5, 500],
        [1, 'gone'],
        [24, 0],
      ]),
      ...restarted('streamfold_dead_letters_total', { reason: 'invalid_field' }, [
        [5, 500],
        [1, 'gone'],
        [24, 0],
      ]),
      ...restarted('process_start_time_seconds', {}, [
        [5, LONG_AGO],
        [1, 'gone'],
        [24, 350],
      ]),
      ...restarted('streamfold_entries_folded_total', {}, [
        [5, { from: 5_000, by: 100 }],
        [1, 'gone'],
        [24, { from: 0, by: 100 }],
      ]),
    },
  },
  {
    title: 'a rebuild that shows the same counts with other labels fires nothing',
    minutes: MINUTES,
    series: relabelled(10),
  },
  {
    title: 'a rebuild from a trimmed stream fires nothing',
    minutes: MINUTES,
    series: withCounters(0.9, 10),
  },
  {
    title: 'a rebuild that is far behind and catches up fires nothing',
    minutes: MINUTES,
    series: {
      ...healthy(MINUTES),
      [ofReplica('streamfold_lag_entries', { instance: 'a:3000', shard: '0' })]: samples([
        MINUTES,
        { from: 60_000, by: -1_000 },
      ]),
      [ofReplica('streamfold_lag_seconds', { instance: 'a:3000', shard: '0' })]: samples([
        MINUTES,
        { from: 6_000, by: -100 },
      ]),
    },
  },
  {
    title: 'a Redis that goes back to the state of a few events earlier fires nothing',
    minutes: MINUTES,
    series: withCounters(0.9999, 10),
  },
  {
    title: 'a Redis that was emptied fires nothing',
    minutes: MINUTES,
    series: {
      ...withCounters(0, 10),
      [ofSwarm('blocking_oldest_wait_seconds', { swarm_id: 's' })]: samples([10, 0], [20, 'gone']),
    },
  },
];
