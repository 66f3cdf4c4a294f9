import type { RuleCase } from '../run-rule-cases.ts';
import { healthy, histogramOf, ofSwarm, samples } from '../series.ts';

function born(value: number): string {
  return samples([2, 'gone'], [13, value]);
}

/** Waits that end in the third minute: some of at most 5 s, the rest of 5 to 10 s. */
function waitsOf(coordinatorId: string, fiveSeconds: number, all: number): Record<string, string> {
  const labels = { swarm_id: 's', coordinator_id: coordinatorId, status: 'error' };
  return histogramOf('blocking_duration_seconds', labels, [
    { bound: 1, values: born(0) },
    { bound: 5, values: born(fiveSeconds) },
    { bound: 10, values: born(all) },
    { bound: 300, values: born(all) },
    { bound: '+Inf', values: born(all) },
  ]);
}

/** The first events of two coordinators: 8 waits of at most 5 s, and 2 of 5 to 10 s. */
const FIRST_WAITS = { ...waitsOf('c', 5, 6), ...waitsOf('d', 3, 4) };

/** The series recorded for dashboards and for a federating Prometheus. */
export const RECORDING_CASES: readonly RuleCase[] = [
  {
    title:
      'recorded rates and percentiles include the first events, and there is no percentile without events',
    minutes: 15,
    series: { ...healthy(15), ...FIRST_WAITS },
    records: [
      {
        expr: 'sum(status:blocking_duration_seconds_count:increase5m{status="error"})',
        atMinutes: 4,
        value: 10,
      },
      {
        expr: 'round(300 * sum(status:blocking_duration_seconds_count:rate5m{status="error"}), 0.001)',
        atMinutes: 4,
        value: 10,
      },
      {
        expr: 'round(300 * sum(status_le:blocking_duration_seconds_bucket:rate5m{status="error",le="5"}), 0.001)',
        atMinutes: 4,
        value: 8,
      },
      // Halfway through the eight between 1 and 5 s, and three quarters of the way through the two between 5 and 10 s.
      {
        expr: 'round(sum(status:blocking_duration_seconds:p50_5m{status="error"}), 0.001)',
        atMinutes: 4,
        value: 3.5,
      },
      {
        expr: 'round(sum(status:blocking_duration_seconds:p95_5m{status="error"}), 0.001)',
        atMinutes: 4,
        value: 8.75,
      },
      {
        expr: 'round(sum(status:blocking_duration_seconds:p99_5m{status="error"}), 0.001)',
        atMinutes: 4,
        value: 9.75,
      },
      { expr: 'sum(status:blocking_duration_seconds:p95_5m{status="error"})', atMinutes: 9 },
      { expr: 'sum(status:blocking_duration_seconds:p95_5m{status="completed"})', atMinutes: 4 },
      { expr: 'sum(signal_type:signal_delivery_latency_seconds:p95_5m)', atMinutes: 4 },
    ],
  },
  {
    title: 'sums are recorded for each label value of the schema as long as the target is up',
    minutes: 15,
    series: {
      [ofSwarm('up')]: samples([5, 1], [0.5, 0], [9.5, 1]),
      ...Object.fromEntries(
        Object.entries(healthy(15)).filter(([name]) => name.includes('job="streamfold"')),
      ),
      [ofSwarm('blocking_coordinators_total', { swarm_id: 's', phase: 'p', status: 'active' })]: samples([
        15, 2,
      ]),
    },
    records: [
      { expr: 'count(failure_type:heartbeat_failures_total:sum == 0)', atMinutes: 1, value: 3 },
      { expr: 'count(timeout_type:timeout_events_total:sum == 0)', atMinutes: 1, value: 3 },
      { expr: 'count(part_reason:signals_rejected_total:sum == 0)', atMinutes: 1, value: 6 },
      { expr: 'count(status:blocking_duration_seconds_count:sum == 0)', atMinutes: 1, value: 3 },
      { expr: 'count(status_le:blocking_duration_seconds_bucket:sum == 0)', atMinutes: 1, value: 30 },
      { expr: 'count(status:blocking_coordinators_total:sum)', atMinutes: 1, value: 3 },
      { expr: 'sum(status:blocking_coordinators_total:sum)', atMinutes: 1, value: 2 },
      { expr: 'count(failure_type:heartbeat_failures_total:sum)', atMinutes: 5 },
      { expr: 'count(status_le:blocking_duration_seconds_bucket:sum)', atMinutes: 5 },
    ],
  },
];
