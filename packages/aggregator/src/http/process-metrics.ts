import { DEAD_LETTER_REASONS, HEALTH_REASON_NAMES, type HealthReason } from '@streamfold/core';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Fact, FailingStep } from '../run/fact.ts';
import type { Lag } from '../state/measure-lag.ts';
import { createStreamCounters } from './stream-counters.ts';

/** The metrics of this process: its own health, not the swarm's. */
export interface ProcessMetrics {
  observe(fact: Fact): void;
  scraped(seconds: number): void;
  measured(shard: number, lag: Lag): void;
  /** The reasons that are present, as the health endpoint shows them. */
  stated(reasons: ReadonlySet<HealthReason>): void;
  setSeries(count: number, foldedTogether: ReadonlyMap<string, number>): void;
  readonly contentType: string;
  render(): Promise<string>;
}

const DURATION_BUCKETS_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const FAILING_STEPS: readonly FailingStep[] = ['fold', 'view', 'upkeep', 'monitor', 'open', 'archive'];

/** Gauges named as counters, which prom-client keeps for old dashboards; each is also there under its right name. */
const MISNAMED_METRICS = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
] as const;

/** The metrics of a process that has just started, in a registry of their own. */
export function createProcessMetrics(version: string, registry = new Registry()): ProcessMetrics {
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED_METRICS) registry.removeSingleMetric(name);

  const entries = new Counter({
    name: 'streamfold_entries_folded_total',
    help: 'Stream entries folded and committed by this process.',
    registers,
  });
  const events = new Counter({
    name: 'streamfold_events_folded_total',
    help: 'Events folded and committed by this process; an entry may hold many.',
    registers,
  });
  const rebuilt = new Counter({
    name: 'streamfold_rebuild_entries_folded_total',
    help: 'Stream entries folded by this process into generations that are not live: built by a rebuild, or retired by one.',
    registers,
  });
  const rebuildNeeded = new Gauge({
    name: 'streamfold_rebuild_needed',
    help: '1 where the live generation is folded by other definitions than this process is configured with, else 0.',
    registers,
  });
  const batches = new Counter({
    name: 'streamfold_batches_total',
    help: 'Batches by outcome: committed, or contested (an entry was not pending for the consumer any more; nothing written).',
    labelNames: ['outcome'],
    registers,
  });
  const claimed = new Counter({
    name: 'streamfold_entries_claimed_total',
    help: 'Entries taken over from consumers that left them pending.',
    registers,
  });
  const { repeated, replaced } = createStreamCounters(registers);
  const lost = new Counter({
    name: 'streamfold_entries_lost_total',
    help: 'Entries that can never be folded, by reason: trimmed from the stream before they were folded.',
    labelNames: ['reason'],
    registers,
  });
  const deadLetters = new Counter({
    name: 'streamfold_dead_letters_total',
    help: 'Events that could not be folded and were written to the dead-letter stream, by reason.',
    labelNames: ['reason'],
    registers,
  });
  const consumersRemoved = new Counter({
    name: 'streamfold_consumers_removed_total',
    help: 'Consumers removed from the group because they were gone and had nothing pending.',
    registers,
  });
  const failures = new Counter({
    name: 'streamfold_failures_total',
    help: 'Rows of failed attempts, by step; each is repeated until it succeeds.',
    labelNames: ['step'],
    registers,
  });
  const snapshots = new Counter({
    name: 'streamfold_snapshots_total',
    help: 'Snapshots written, by outcome.',
    labelNames: ['outcome'],
    registers,
  });
  const viewLoads = new Counter({
    name: 'streamfold_view_loads_total',
    help: 'Times the view was loaded from a snapshot, by cause.',
    labelNames: ['cause'],
    registers,
  });
  const detections = new Counter({
    name: 'streamfold_monitor_detections_total',
    help: 'What the monitor of this process found overdue: coordinators stale or dead, waits, signals without ACKs.',
    labelNames: ['subject'],
    registers,
  });
  const suspensions = new Counter({
    name: 'streamfold_monitor_suspensions_total',
    help: 'Times the monitor of this process noticed an outage and suspended all deadlines for a grace period.',
    registers,
  });
  const archivedEntries = new Counter({
    name: 'streamfold_entries_archived_total',
    help: 'Entries written to the archive by this process.',
    registers,
  });
  const archivedSegments = new Counter({
    name: 'streamfold_segments_archived_total',
    help: 'Segments written to the archive by this process.',
    registers,
  });
  const trimmedEntries = new Counter({
    name: 'streamfold_entries_trimmed_total',
    help: 'Entries trimmed from the stream by this process: folded, archived where there is an archive, and older than the retention.',
    registers,
  });
  const lagEntries = new Gauge({
    name: 'streamfold_lag_entries',
    help: 'Entries not folded yet: undelivered or pending.',
    labelNames: ['shard'],
    registers,
  });
  const lagSeconds = new Gauge({
    name: 'streamfold_lag_seconds',
    help: 'Age of the oldest entry that is not folded yet, on the clock of Redis.',
    labelNames: ['shard'],
    registers,
  });
  const pending = new Gauge({
    name: 'streamfold_pending_entries',
    help: 'Entries delivered to a consumer of the group and not acknowledged.',
    labelNames: ['shard'],
    registers,
  });
  const streamLength = new Gauge({
    name: 'streamfold_stream_entries',
    help: 'Entries in the stream.',
    labelNames: ['shard'],
    registers,
  });
  const consumers = new Gauge({
    name: 'streamfold_consumers',
    help: 'Consumers of the group: two for each aggregator that folds, and those that are gone until they are removed.',
    labelNames: ['shard'],
    registers,
  });
  const reasonPresent = new Gauge({
    name: 'streamfold_health_reason',
    help: '1 while this process reports the reason in `/prometheus/health`, else 0.',
    labelNames: ['reason'],
    registers,
  });
  const series = new Gauge({
    name: 'streamfold_series',
    help: 'Series of the swarm that this process holds.',
    registers,
  });
  const together = new Gauge({
    name: 'streamfold_series_folded_together',
    help: 'Series of the swarm beyond the limit of a metric, which are shown as one with labels `other`.',
    labelNames: ['metric'],
    registers,
  });
  const commits = new Histogram({
    name: 'streamfold_commit_duration_seconds',
    help: 'Time from sending a commit to its reply.',
    buckets: DURATION_BUCKETS_SECONDS,
    registers,
  });
  const scrapes = new Histogram({
    name: 'streamfold_scrape_duration_seconds',
    help: 'Time to read what changed and render the metrics of the swarm.',
    buckets: DURATION_BUCKETS_SECONDS,
    registers,
  });
  new Gauge({
    name: 'streamfold_build_info',
    help: 'Always 1; the version is in the label.',
    labelNames: ['version'],
    registers,
  }).set({ version }, 1);

  rebuildNeeded.set(0);
  // A counter that is born at 1 is invisible to rate(): every series that can be known is there from the start.
  for (const outcome of ['committed', 'contested']) batches.inc({ outcome }, 0);
  for (const reason of DEAD_LETTER_REASONS) deadLetters.inc({ reason }, 0);
  lost.inc({ reason: 'trimmed' }, 0);
  for (const subject of ['stale', 'dead', 'wait', 'signal']) detections.inc({ subject }, 0);
  for (const reason of HEALTH_REASON_NAMES) reasonPresent.set({ reason }, 0);
  for (const step of FAILING_STEPS) failures.inc({ step }, 0);
  for (const outcome of ['published', 'superseded']) snapshots.inc({ outcome }, 0);
  for (const cause of ['start', 'log_discontinued']) viewLoads.inc({ cause }, 0);

  return {
    observe(fact) {
      switch (fact.type) {
        case 'batch_committed':
          batches.inc({ outcome: 'committed' });
          entries.inc(fact.entries);
          events.inc(fact.events);
          lost.inc({ reason: 'trimmed' }, fact.lostEntries);
          for (const [reason, count] of fact.deadLetters) deadLetters.inc({ reason }, count);
          commits.observe(fact.commitMs / 1_000);
          return;
        case 'generation_batch_committed':
          rebuilt.inc(fact.entries);
          for (const [reason, count] of fact.deadLetters) deadLetters.inc({ reason }, count);
          return;
        case 'rebuild_needed':
          rebuildNeeded.set(fact.needed ? 1 : 0);
          return;
        case 'batch_contested':
          batches.inc({ outcome: 'contested' });
          return;
        case 'entries_repeated':
          repeated.inc(fact.entries);
          return;
        case 'stream_replaced':
          replaced.inc();
          return;
        case 'entries_claimed':
          claimed.inc(fact.entries);
          return;
        case 'entries_lost':
          lost.inc({ reason: 'trimmed' }, fact.entries);
          return;
        case 'consumers_removed':
          consumersRemoved.inc(fact.consumers);
          return;
        case 'failed':
          failures.inc({ step: fact.step });
          return;
        case 'snapshot_written':
          snapshots.inc({ outcome: fact.outcome });
          return;
        case 'view_loaded':
          viewLoads.inc({ cause: fact.cause });
          return;
        case 'monitor_moved':
          detections.inc({ subject: 'stale' }, fact.stale);
          detections.inc({ subject: 'dead' }, fact.dead);
          detections.inc({ subject: 'wait' }, fact.waits);
          detections.inc({ subject: 'signal' }, fact.signals);
          return;
        case 'monitor_suspended':
          suspensions.inc();
          return;
        case 'segment_archived':
          archivedSegments.inc();
          archivedEntries.inc(fact.entries);
          return;
        case 'entries_trimmed':
          trimmedEntries.inc(fact.entries);
          return;
        case 'recovered':
        case 'condition_raised':
        case 'condition_cleared':
        case 'connection_failed':
        case 'request_failed':
        case 'group_created':
        case 'group_restored':
        case 'generation_folded':
        case 'generation_switched':
        case 'generation_dropped':
        case 'generation_unreadable':
          return;
      }
    },
    scraped: (seconds) => scrapes.observe(seconds),
    measured(shard, lag) {
      lagEntries.set({ shard }, lag.lagEntries);
      lagSeconds.set({ shard }, lag.lagSeconds);
      pending.set({ shard }, lag.pendingEntries);
      streamLength.set({ shard }, lag.streamEntries);
      consumers.set({ shard }, lag.consumers);
    },
    stated(reasons) {
      for (const reason of HEALTH_REASON_NAMES) reasonPresent.set({ reason }, reasons.has(reason) ? 1 : 0);
    },
    setSeries(count, foldedTogether) {
      series.set(count);
      together.reset();
      for (const [metric, folded] of foldedTogether) together.set({ metric }, folded);
    },
    contentType: registry.contentType,
    render: () => registry.metrics(),
  };
}
