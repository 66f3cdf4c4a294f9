/** Scraped series by notation, each with its samples: one every 30 s from time 0 on. */
export type ScrapedSeries = Readonly<Record<string, string>>;

/** Samples of one minute. */
const A_MINUTE = 2;

/** A value for a number of minutes: a number, a number that grows by `by` with every sample, or no sample at all. */
export type Stretch = readonly [minutes: number, value: number | { from: number; by: number } | 'gone'];

/** Samples, period after period. A series that ends is marked stale, as after a failed scrape. */
export function samples(...stretches: readonly Stretch[]): string {
  return stretches
    .flatMap(([minutes, value], stretch) =>
      Array.from({ length: minutes * A_MINUTE }, (_, at) => {
        if (value === 'gone') return at === 0 && stretch > 0 ? 'stale' : '_';
        return String(typeof value === 'number' ? value : value.from + value.by * at);
      }),
    )
    .join(' ');
}

type Labels = Readonly<Record<string, string>>;

function series(name: string, labels: Labels): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  return `${name}{${pairs.join(',')}}`;
}

/** A series of the swarm metrics, as scraped through the one target. */
export function ofSwarm(name: string, labels: Labels = {}): string {
  return series(name, { job: 'blocking-coordination', instance: 'streamfold:3000', ...labels });
}

/** A series of one aggregator's own metrics. */
export function ofReplica(name: string, labels: Labels = {}): string {
  return series(name, { job: 'streamfold', instance: 'a:3000', ...labels });
}

/** A replica that started a day ago. */
export const LONG_AGO = -86_400;

/**
 * The samples of a healthy system over this time: one live coordinator, two folding replicas, large constant counters of
 * earlier events.
 */
export function healthy(minutes: number): ScrapedSeries {
  const all = (value: number): string => samples([minutes, value]);
  const folding = samples([minutes, { from: 1_000_000, by: 100 }]);
  return {
    [ofSwarm('up')]: all(1),
    [ofSwarm('blocking_coordinators_total', { swarm_id: 's', phase: 'build', status: 'active' })]: all(1),
    [ofSwarm('blocking_waits', { swarm_id: 's' })]: all(0),
    [ofSwarm('blocking_oldest_wait_seconds', { swarm_id: 's' })]: all(0),
    [ofSwarm('heartbeat_failures_total', { coordinator_id: 'old', failure_type: 'stale' })]: all(50_000),
    [ofSwarm('timeout_events_total', { coordinator_id: 'old', timeout_type: 'heartbeat' })]: all(50_000),
    ...histogramOf(
      'blocking_duration_seconds',
      { swarm_id: 's', coordinator_id: 'old', status: 'completed' },
      [
        ...[1, 5, 10, 30, 60, 120, 300, 600, 1_800].map((bound) => ({ bound, values: all(1_000) })),
        { bound: '+Inf', values: all(50_000) },
      ],
    ),
    ...histogramOf(
      'signal_delivery_latency_seconds',
      { sender_id: 'old', receiver_id: 'b', signal_type: 'go' },
      [
        ...[0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10].map((bound) => ({ bound, values: all(1_000) })),
        { bound: '+Inf', values: all(50_000) },
      ],
    ),
    ...Object.fromEntries(
      ['a:3000', 'b:3000'].flatMap((instance) => [
        [ofReplica('up', { instance }), all(1)],
        [ofReplica('process_start_time_seconds', { instance }), all(LONG_AGO)],
        [ofReplica('streamfold_entries_folded_total', { instance }), folding],
        [ofReplica('streamfold_events_folded_total', { instance }), folding],
        [ofReplica('streamfold_lag_entries', { instance, shard: '0' }), all(3)],
        [ofReplica('streamfold_lag_seconds', { instance, shard: '0' }), all(0.2)],
        [ofReplica('streamfold_entries_lost_total', { instance, reason: 'trimmed' }), all(500)],
        [ofReplica('streamfold_dead_letters_total', { instance, reason: 'invalid_field' }), all(500)],
      ]),
    ),
  };
}

/** Buckets of a histogram as Prometheus 2 reads them from OpenMetrics (`300.0`), and the count. */
export function histogramOf(
  name: string,
  labels: Labels,
  buckets: readonly { bound: number | '+Inf'; values: string }[],
): ScrapedSeries {
  const rows = buckets.map(({ bound, values }): [string, string] => {
    const le = Number.isInteger(bound) ? `${bound}.0` : String(bound);
    return [ofSwarm(`${name}_bucket`, { ...labels, le }), values];
  });
  const count = buckets.find(({ bound }) => bound === '+Inf')?.values ?? '';
  return Object.fromEntries([...rows, [ofSwarm(`${name}_count`, labels), count]]);
}
