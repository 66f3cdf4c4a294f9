/**
 * Questions that the metrics answer, with their PromQL. `mayBeEmpty`: the query has no result in a healthy system.
 * The reference shows them, and a test runs each of them on a real Prometheus.
 *
 * The bound of a bucket is 1 in the text format, and 1.0 in OpenMetrics and in every Prometheus since 3.0: match both.
 */
const METRIC_EXAMPLES = {
  blocking_coordinators_total: [
    ['How many are alive, by status?', 'sum by (status) (blocking_coordinators_total)'],
    [
      'What share of each swarm is blocked?',
      'sum by (swarm_id) (blocking_coordinators_total{status="blocked"})\n  / sum by (swarm_id) (blocking_coordinators_total)',
    ],
    [
      'How many are alive, and 0 if none is? (Without coordinators there is no series.)',
      'sum(blocking_coordinators_total) or 0 * sum(up{job="blocking-coordination"} == 1)',
    ],
  ],
  blocking_duration_seconds: [
    [
      'How long did the slowest 5 % of waits block at least, by how they ended?',
      'histogram_quantile(0.95, sum by (le, status) (rate(blocking_duration_seconds_bucket[5m])))',
    ],
    [
      'How long does a wait block on average, in each swarm?',
      'sum by (swarm_id) (rate(blocking_duration_seconds_sum[5m]))\n  / sum by (swarm_id) (rate(blocking_duration_seconds_count[5m]))',
    ],
    [
      'How many waits per minute end without all of their ACKs?',
      '60 * sum(rate(blocking_duration_seconds_count{status="timeout"}[5m]))',
    ],
  ],
  signal_delivery_latency_seconds: [
    [
      'How long do ACKs take, by signal type?',
      'histogram_quantile(0.95, sum by (le, signal_type) (rate(signal_delivery_latency_seconds_bucket[5m])))',
    ],
    [
      'What share is ACKed within a second?',
      'sum(rate(signal_delivery_latency_seconds_bucket{le=~"1|1.0"}[5m]))\n  / sum(rate(signal_delivery_latency_seconds_count[5m]))',
    ],
    [
      'Which pairs of sender and receiver are slowest?',
      'topk(5, histogram_quantile(0.95,\n  sum by (le, sender_id, receiver_id) (rate(signal_delivery_latency_seconds_bucket[15m]))))',
    ],
  ],
  heartbeat_failures_total: [
    [
      'How many episodes were there in five minutes, by type?',
      'sum by (failure_type) (increase(heartbeat_failures_total[5m]))',
    ],
    [
      'Whose heartbeats fail most often?',
      'topk(5, sum by (coordinator_id) (increase(heartbeat_failures_total[1h])))',
    ],
  ],
  timeout_events_total: [
    [
      'How many timeouts are there per minute, by type?',
      '60 * sum by (timeout_type) (rate(timeout_events_total[5m]))',
    ],
    [
      'How many were declared dead in the last hour?',
      'sum(increase(timeout_events_total{timeout_type="heartbeat"}[1h]))',
    ],
  ],
  signals_sent_total: [
    ['How many signals are sent per second, by type?', 'sum by (signal_type) (rate(signals_sent_total[5m]))'],
    [
      'What share of them is ACKed? (More than 1 while old ones are ACKed.)',
      'sum(rate(signal_delivery_latency_seconds_count[15m])) / sum(rate(signals_sent_total[15m]))',
    ],
  ],
  blocking_waits: [
    ['How many waits are open, in each swarm?', 'sum by (swarm_id) (blocking_waits)'],
    [
      'How many open waits does a blocked coordinator have?',
      'sum(blocking_waits) / sum(blocking_coordinators_total{status="blocked"})',
    ],
  ],
  blocking_oldest_wait_seconds: [
    ['For how long has the oldest wait been open?', 'max(blocking_oldest_wait_seconds)'],
    [
      'Which swarms are stuck for more than half an hour?',
      'blocking_oldest_wait_seconds > 1800',
      { mayBeEmpty: true },
    ],
  ],
  signals_rejected_total: [
    [
      'What is rejected because of its signature, and why?',
      'sum by (swarm_id, part, reason) (increase(signals_rejected_total[1h]))',
    ],
  ],
  coordinators_cleaned_up_total: [
    ['How many were cleaned up today?', 'sum(increase(coordinators_cleaned_up_total[1d]))'],
  ],
  cleanup_refusals_total: [
    [
      'Why were coordinators not cleaned up?',
      'sum by (swarm_id, reason) (increase(cleanup_refusals_total[1d]))',
    ],
  ],
  streamfold_batches_total: [
    [
      'What share of the commits was contested?',
      'sum(rate(streamfold_batches_total{outcome="contested"}[5m])) / sum(rate(streamfold_batches_total[5m]))',
      { mayBeEmpty: true },
    ],
  ],
  streamfold_build_info: [
    ['Which versions run, and how many of each?', 'count by (version) (streamfold_build_info)'],
  ],
  streamfold_commit_duration_seconds: [
    [
      'How long does a commit take?',
      'histogram_quantile(0.99, sum by (le) (rate(streamfold_commit_duration_seconds_bucket[5m])))',
    ],
  ],
  streamfold_consumers: [
    ['How many consumers does each shard have?', 'max by (shard) (streamfold_consumers)'],
  ],
  streamfold_consumers_removed_total: [
    [
      'How many consumers of dead aggregators were removed?',
      'sum(increase(streamfold_consumers_removed_total[1d]))',
    ],
  ],
  streamfold_dead_letters_total: [
    [
      'How many events became dead letters, and why?',
      'sum by (reason) (increase(streamfold_dead_letters_total[1h]))',
    ],
  ],
  streamfold_entries_archived_total: [
    ['How much was archived today?', 'sum(increase(streamfold_entries_archived_total[1d]))'],
  ],
  streamfold_entries_claimed_total: [
    [
      'How many entries were claimed from inactive consumers?',
      'sum(increase(streamfold_entries_claimed_total[1h]))',
    ],
  ],
  streamfold_entries_folded_total: [
    ['How is the work shared?', 'sum by (instance) (rate(streamfold_entries_folded_total[5m]))'],
  ],
  streamfold_entries_lost_total: [
    [
      'Was anything lost? It never should be.',
      'sum by (reason) (increase(streamfold_entries_lost_total[1d]))',
      { mayBeEmpty: true },
    ],
  ],
  streamfold_entries_repeated_total: [
    [
      'Was the consumer group moved back?',
      'sum(increase(streamfold_entries_repeated_total[1d])) > 0',
      { mayBeEmpty: true },
    ],
  ],
  streamfold_connection_failures_total: [
    [
      'Do connections to Redis die, or lead to a replica?',
      'sum by (reason) (increase(streamfold_connection_failures_total{reason=~"no_reply|misdirected"}[1h]))',
    ],
  ],
  streamfold_streams_replaced_total: [
    [
      'Was the stream deleted, renamed or restored?',
      'sum(increase(streamfold_streams_replaced_total[1d])) > 0',
      { mayBeEmpty: true },
    ],
  ],
  streamfold_events_folded_total: [
    ['How many events are folded per second?', 'sum(rate(streamfold_events_folded_total[5m]))'],
    [
      'How many events share an entry?',
      'sum(rate(streamfold_events_folded_total[5m])) / sum(rate(streamfold_entries_folded_total[5m]))',
    ],
  ],
  streamfold_entries_trimmed_total: [
    ['How much was trimmed today?', 'sum(increase(streamfold_entries_trimmed_total[1d]))'],
  ],
  streamfold_keys_near_bound: [['Are inboxes nearly full?', 'max(streamfold_keys_near_bound)']],
  streamfold_archive_stopped: [
    [
      'Which shards are not archived, and why?',
      'max by (reason) (streamfold_archive_stopped) > 0',
      { mayBeEmpty: true },
    ],
  ],
  streamfold_failures_total: [
    [
      'Which step fails?',
      'sum by (step) (increase(streamfold_failures_total[5m])) > 0',
      { mayBeEmpty: true },
    ],
  ],
  streamfold_lag_entries: [
    ['How many entries wait, in each shard?', 'max by (shard) (streamfold_lag_entries)'],
    [
      'In how many seconds will it catch up at this rate?',
      'max(streamfold_lag_entries) / -min(deriv(streamfold_lag_entries[5m])) > 0',
      { mayBeEmpty: true },
    ],
  ],
  streamfold_lag_seconds: [['How far behind are the metrics?', 'max(streamfold_lag_seconds)']],
  streamfold_monitor_detections_total: [
    [
      'What is found overdue?',
      'sum by (subject) (increase(streamfold_monitor_detections_total[5m]))',
      { mayBeEmpty: true },
    ],
  ],
  streamfold_monitor_age_seconds: [
    ['How long ago did a monitor last check each shard?', 'max by (shard) (streamfold_monitor_age_seconds)'],
  ],
  streamfold_monitor_records_set_aside_total: [
    [
      'How many malformed records were set aside?',
      'sum(increase(streamfold_monitor_records_set_aside_total[1d]))',
    ],
  ],
  streamfold_monitor_records_set_aside: [
    ['How many of them are still set aside?', 'max by (shard) (streamfold_monitor_records_set_aside)'],
  ],
  streamfold_redis_clock_steps_back_total: [
    [
      'How often did the clock of Redis step back?',
      'sum(increase(streamfold_redis_clock_steps_back_total[1d]))',
    ],
  ],
  streamfold_ended_coordinators_removed_total: [
    [
      'How many ended coordinators were removed?',
      'sum(increase(streamfold_ended_coordinators_removed_total[1d]))',
    ],
  ],
  streamfold_ended_coordinators_kept: [
    [
      'How many ended coordinators still have work or signals?',
      'sum(max by (shard) (streamfold_ended_coordinators_kept))',
    ],
  ],
  streamfold_monitor_suspensions_total: [
    ['How often were all deadlines suspended?', 'sum(increase(streamfold_monitor_suspensions_total[1d]))'],
  ],
  streamfold_pending_entries: [
    ['How many entries are read but not folded?', 'max by (shard) (streamfold_pending_entries)'],
  ],
  streamfold_dead_letters_kept: [
    ['How many dead letters wait for a decision?', 'sum(max by (shard) (streamfold_dead_letters_kept))'],
  ],
  streamfold_dead_letters_trimmed_total: [
    ['How many dead letters were trimmed today?', 'sum(increase(streamfold_dead_letters_trimmed_total[1d]))'],
  ],
  streamfold_health_reason: [
    [
      'What is wrong with which replica?',
      'max by (instance, reason) (streamfold_health_reason) > 0',
      { mayBeEmpty: true },
    ],
  ],
  streamfold_rebuild_entries_folded_total: [
    ['How fast is a rebuild?', 'sum(rate(streamfold_rebuild_entries_folded_total[5m]))'],
  ],
  streamfold_rebuild_needed: [
    ['How many replicas differ in configuration from the state?', 'sum(streamfold_rebuild_needed)'],
  ],
  streamfold_scrape_duration_seconds: [
    [
      'How long does a scrape take?',
      'histogram_quantile(0.99, sum by (le) (rate(streamfold_scrape_duration_seconds_bucket[5m])))',
    ],
  ],
  streamfold_scrapes_refused_total: [
    [
      'Were scrapes refused because the replica was busy?',
      'sum by (instance) (increase(streamfold_scrapes_refused_total[5m]))',
      { mayBeEmpty: true },
    ],
  ],
  streamfold_segments_archived_total: [
    [
      'Has no aggregator archived for three hours? If you have an archive, this is a problem.',
      'sum(increase(streamfold_segments_archived_total[3h])) == 0',
      { mayBeEmpty: true },
    ],
  ],
  streamfold_series: [['How many series are served?', 'max(streamfold_series)']],
  streamfold_series_folded_together: [
    ['How many series of each metric are not shown?', 'max by (metric) (streamfold_series_folded_together)'],
  ],
  streamfold_snapshots_total: [
    [
      'Are snapshots written, or is another aggregator always faster?',
      'sum by (outcome) (increase(streamfold_snapshots_total[1h]))',
      { mayBeEmpty: true },
    ],
  ],
  streamfold_snapshots_unreadable_total: [
    [
      'Was a snapshot damaged, or has Redis gone back to an older state?',
      'sum by (reason) (increase(streamfold_snapshots_unreadable_total[1d]))',
      { mayBeEmpty: true },
    ],
  ],
  streamfold_stream_entries: [
    ['How long is the stream? Folded entries may be trimmed.', 'max by (shard) (streamfold_stream_entries)'],
  ],
  streamfold_view_loads_total: [
    [
      'Why were views loaded again?',
      'sum by (cause) (increase(streamfold_view_loads_total[1d]))',
      { mayBeEmpty: true },
    ],
  ],
};

/** The examples of a metric. @throws {Error} if there are none: a new metric needs some. */
export function examplesOf(name) {
  const examples = METRIC_EXAMPLES[name] ?? [];
  if (!examples.some(([, promql]) => promql.includes(name)))
    throw new Error(
      `expected examples for the metric ${name} in infra/docs/metric-examples.mjs; there are none`,
    );
  return examples.map(([asks, promql, { mayBeEmpty = false } = {}]) => ({ asks, promql, mayBeEmpty }));
}
