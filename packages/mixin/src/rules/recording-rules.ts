import { increaseRule, rateRule } from './increase.ts';
import type { RuleContext } from './rule-options.ts';
import type { RecordingRule, RuleGroup } from './rule.ts';
import { PROCESS_JOB, SWARM_JOB } from './scrape-jobs.ts';
import { bucketSumRule, sumRule } from './sums.ts';

/** Window of rates and percentiles, minutes. */
const WINDOW_MINUTES = 5;

/** Percentiles that are recorded. */
const QUANTILES = { p50: 0.5, p95: 0.95, p99: 0.99 } as const;

/** The counters, and the labels that each sum keeps. */
const COUNTERS = [
  { name: 'heartbeat_failures_total', labels: ['failure_type'] },
  { name: 'timeout_events_total', labels: ['timeout_type'] },
  { name: 'signals_sent_total', labels: ['signal_type'] },
  { name: 'signals_rejected_total', labels: ['part', 'reason'] },
  { name: 'cleanup_refusals_total', labels: ['reason'] },
  { name: 'coordinators_cleaned_up_total', labels: ['job'] },
] as const;

/** The histograms, and the label that each sum keeps. */
const HISTOGRAMS = [
  { name: 'blocking_duration_seconds', label: 'status' },
  { name: 'signal_delivery_latency_seconds', label: 'signal_type' },
] as const;

/** Slow waits take minutes each, so their alert counts them over a longer window. */
const WAITS_WINDOW_MINUTES = 15;

/**
 * The recording rules of the swarm: sums that alerts and a federating Prometheus read, and their growth, rates and
 * percentiles over the last five minutes. They form one group because rules read the results of earlier ones.
 */
export function recordingGroups(context: RuleContext): readonly RuleGroup<RecordingRule>[] {
  return [
    {
      name: 'blocking-coordination-recording',
      rules: [
        ...gauges(),
        ...COUNTERS.flatMap(({ name, labels }) => counter(sumRule(name, labels), context)),
        ...HISTOGRAMS.flatMap(({ name, label }) => histogram(name, label, context)),
        longerWindow(context),
      ],
    },
    { name: 'streamfold-recording', rules: ofProcesses(context) },
  ];
}

function gauges(): RecordingRule[] {
  return [
    sumRule('blocking_coordinators_total', ['job']),
    sumRule('blocking_coordinators_total', ['status']),
    sumRule('blocking_coordinators_total', ['swarm_id', 'status']),
    sumRule('blocking_waits', ['job']),
    {
      record: 'swarm_id:blocking_oldest_wait_seconds:max',
      expr: `max by (swarm_id) (blocking_oldest_wait_seconds{job="${SWARM_JOB}"})`,
    },
  ];
}

function counter(sum: RecordingRule, context: RuleContext): [RecordingRule, RecordingRule, RecordingRule] {
  const grown = increaseRule(sum, WINDOW_MINUTES, context);
  return [sum, grown, rateRule(grown, WINDOW_MINUTES, context)];
}

function histogram(name: string, label: string, context: RuleContext): RecordingRule[] {
  const counts = counter(sumRule(name, [label], '_count'), context);
  const buckets = counter(bucketSumRule(name, label), context);
  const [countRate, bucketRate] = [counts[2].record, buckets[2].record];
  const percentiles = Object.entries(QUANTILES).map(([percentile, quantile]) => ({
    record: `${label}:${name}:${percentile}_5m`,
    // Without observations there is no series, rather than NaN.
    expr: `histogram_quantile(${quantile}, ${bucketRate})\nand on (${label}) (${countRate} > 0)`,
  }));
  return [...counts, ...counter(sumRule(name, [label], '_sum'), context), ...buckets, ...percentiles];
}

function longerWindow(context: RuleContext): RecordingRule {
  const { name, label } = HISTOGRAMS[0];
  return increaseRule(bucketSumRule(name, label), WAITS_WINDOW_MINUTES, context);
}

/** The recording rules of the aggregators. All report the same lag, since each measures it in Redis. */
function ofProcesses({ duration }: RuleContext): RecordingRule[] {
  const of = `{job="${PROCESS_JOB}"}`;
  const window = duration(WINDOW_MINUTES * 60);
  const rate = (what: string): RecordingRule => ({
    record: `job:streamfold_${what}_folded:rate5m`,
    expr: `sum by (job) (rate(streamfold_${what}_folded_total${of}[${window}]))`,
  });
  return [
    { record: 'shard:streamfold_lag_seconds:max', expr: `max by (shard) (streamfold_lag_seconds${of})` },
    { record: 'shard:streamfold_lag_entries:max', expr: `max by (shard) (streamfold_lag_entries${of})` },
    rate('entries'),
    rate('events'),
  ];
}
