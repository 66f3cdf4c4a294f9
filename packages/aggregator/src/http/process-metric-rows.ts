import { ARCHIVE_STOP_REASONS } from '@streamfold/archive';
import { DEAD_LETTER_REASONS, HEALTH_REASON_NAMES } from '@streamfold/core';
import { CONNECTION_FAILURES } from '@streamfold/redis';
import {
  BATCH_OUTCOMES,
  FAILING_STEPS,
  LOSS_REASONS,
  MONITOR_SUBJECTS,
  SNAPSHOT_OUTCOMES,
  UNREADABLE_SNAPSHOT_REASONS,
  VIEW_LOAD_CAUSES,
} from '../run/fact.ts';

/** Any value: these are known only when they occur. Their series exist once there is something to show. */
export const OPEN = 'open';

/** A metric of the process, as data. */
export interface ProcessMetricRow {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly name: string;
  readonly help: string;
  /** The values of each label. A metric whose values are all known exists from the start, with 0 for each of them. */
  readonly labels?: Readonly<Record<string, readonly string[] | typeof OPEN>>;
  readonly buckets?: readonly number[];
}

const DURATION_BUCKETS_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** The metrics of a process, apart from those that every Node.js program has. At most one label each. */
export const PROCESS_METRIC_ROWS = {
  entries: {
    type: 'counter',
    name: 'streamfold_entries_folded_total',
    help: 'Stream entries folded and committed by this process.',
  },
  events: {
    type: 'counter',
    name: 'streamfold_events_folded_total',
    help: 'Events folded and committed by this process; an entry may hold many.',
  },
  rebuiltEntries: {
    type: 'counter',
    name: 'streamfold_rebuild_entries_folded_total',
    help: 'Stream entries folded by this process into generations that are not live: built by a rebuild, or retired by one.',
  },
  rebuildNeeded: {
    type: 'gauge',
    name: 'streamfold_rebuild_needed',
    help: '1 if the live generation has other metric definitions than this process is configured with, else 0.',
  },
  batches: {
    type: 'counter',
    name: 'streamfold_batches_total',
    help: 'Batches by outcome: committed; contested (an entry was no longer pending for the consumer; nothing was written); or failed (refused by Redis, or without a reply).',
    labels: { outcome: BATCH_OUTCOMES },
  },
  claimedEntries: {
    type: 'counter',
    name: 'streamfold_entries_claimed_total',
    help: 'Entries claimed from consumers that left them pending.',
  },
  repeatedEntries: {
    type: 'counter',
    name: 'streamfold_entries_repeated_total',
    help: 'Entries delivered again after they were folded, because the group was moved back: acknowledged without effect.',
  },
  connectionFailures: {
    type: 'counter',
    name: 'streamfold_connection_failures_total',
    help: 'Connections to Redis that could not be opened, broke or were given up, by reason.',
    labels: { reason: CONNECTION_FAILURES },
  },
  replacedStreams: {
    type: 'counter',
    name: 'streamfold_streams_replaced_total',
    help: 'Times the stream of events was found to be a different one: deleted, renamed or restored.',
  },
  lostEntries: {
    type: 'counter',
    name: 'streamfold_entries_lost_total',
    help: 'Entries that can never be folded, by reason: trimmed from the stream before they were folded.',
    labels: { reason: LOSS_REASONS },
  },
  deadLetters: {
    type: 'counter',
    name: 'streamfold_dead_letters_total',
    help: 'Events that could not be decoded and were written to the dead-letter stream, by reason.',
    labels: { reason: DEAD_LETTER_REASONS },
  },
  keptDeadLetters: {
    type: 'gauge',
    name: 'streamfold_dead_letters_kept',
    help: 'Dead letters in the dead-letter stream, from all aggregators, until they are retried or dropped.',
    labels: { shard: OPEN },
  },
  trimmedDeadLetters: {
    type: 'counter',
    name: 'streamfold_dead_letters_trimmed_total',
    help: 'Oldest dead letters that this process dropped because there were more than STREAMFOLD_DEAD_LETTERS_MOST.',
  },
  removedConsumers: {
    type: 'counter',
    name: 'streamfold_consumers_removed_total',
    help: 'Consumers removed from the group because they were inactive and had nothing pending.',
  },
  failures: {
    type: 'counter',
    name: 'streamfold_failures_total',
    help: 'Series of failed attempts, by step; each step is retried until it succeeds.',
    labels: { step: FAILING_STEPS },
  },
  snapshots: {
    type: 'counter',
    name: 'streamfold_snapshots_total',
    help: 'Snapshots written, by outcome.',
    labels: { outcome: SNAPSHOT_OUTCOMES },
  },
  unreadableSnapshots: {
    type: 'counter',
    name: 'streamfold_snapshots_unreadable_total',
    help: 'Times a snapshot could not be used, by reason: parts are missing or malformed, or the delta log does not continue from it.',
    labels: { reason: UNREADABLE_SNAPSHOT_REASONS },
  },
  viewLoads: {
    type: 'counter',
    name: 'streamfold_view_loads_total',
    help: 'Times the view was loaded from a snapshot, by cause.',
    labels: { cause: VIEW_LOAD_CAUSES },
  },
  detections: {
    type: 'counter',
    name: 'streamfold_monitor_detections_total',
    help: 'Items that the monitor of this process found overdue: stale or dead coordinators, waits, signals without ACKs.',
    labels: { subject: MONITOR_SUBJECTS },
  },
  suspensions: {
    type: 'counter',
    name: 'streamfold_monitor_suspensions_total',
    help: 'Times the monitor of this process detected an outage and suspended all deadlines for a grace period.',
  },
  monitorAge: {
    type: 'gauge',
    name: 'streamfold_monitor_age_seconds',
    help: 'Time since any monitor checked the shard for overdue items, on the clock of Redis.',
    labels: { shard: OPEN },
  },
  setAsideRecords: {
    type: 'counter',
    name: 'streamfold_monitor_records_set_aside_total',
    help: 'Malformed records that the monitor of this process set aside: monitors no longer check them.',
  },
  keptSetAside: {
    type: 'gauge',
    name: 'streamfold_monitor_records_set_aside',
    help: 'Notes of malformed records that monitors have set aside, until an operator removes them.',
    labels: { shard: OPEN },
  },
  clockStepsBack: {
    type: 'counter',
    name: 'streamfold_redis_clock_steps_back_total',
    help: 'Times the monitor of this process detected that the clock of Redis had stepped back.',
  },
  removedCoordinators: {
    type: 'counter',
    name: 'streamfold_ended_coordinators_removed_total',
    help: 'Ended coordinators whose keys this process removed after STREAMFOLD_ENDED_FOR_HOURS.',
  },
  keptCoordinators: {
    type: 'gauge',
    name: 'streamfold_ended_coordinators_kept',
    help: 'Coordinators that ended more than STREAMFOLD_ENDED_FOR_HOURS ago and still have work or signals.',
    labels: { shard: OPEN },
  },
  archivedEntries: {
    type: 'counter',
    name: 'streamfold_entries_archived_total',
    help: 'Entries written to the archive by this process.',
  },
  archivedSegments: {
    type: 'counter',
    name: 'streamfold_segments_archived_total',
    help: 'Segments written to the archive by this process.',
  },
  trimmedEntries: {
    type: 'counter',
    name: 'streamfold_entries_trimmed_total',
    help: 'Entries trimmed from the stream by this process: folded, archived if there is an archive, and older than the retention.',
  },
  keysNearBound: {
    type: 'gauge',
    name: 'streamfold_keys_near_bound',
    help: 'Inboxes of coordinators that are at least 80 % full, on all shards. A full inbox rejects further signals.',
  },
  archiveStopped: {
    type: 'gauge',
    name: 'streamfold_archive_stopped',
    help: 'Shards whose archiving and trimming have stopped, by reason.',
    labels: { reason: ARCHIVE_STOP_REASONS },
  },
  lagEntries: {
    type: 'gauge',
    name: 'streamfold_lag_entries',
    help: 'Entries not folded yet: undelivered or pending.',
    labels: { shard: OPEN },
  },
  lagSeconds: {
    type: 'gauge',
    name: 'streamfold_lag_seconds',
    help: 'Age of the oldest unfolded entry, on the clock of Redis.',
    labels: { shard: OPEN },
  },
  pendingEntries: {
    type: 'gauge',
    name: 'streamfold_pending_entries',
    help: 'Entries delivered to a consumer of the group and not acknowledged.',
    labels: { shard: OPEN },
  },
  streamEntries: {
    type: 'gauge',
    name: 'streamfold_stream_entries',
    help: 'Entries in the stream.',
    labels: { shard: OPEN },
  },
  consumers: {
    type: 'gauge',
    name: 'streamfold_consumers',
    help: 'Consumers of the group: two per folding aggregator, one or two more for each of them while it catches up, and those of dead aggregators until they are removed.',
    labels: { shard: OPEN },
  },
  healthReason: {
    type: 'gauge',
    name: 'streamfold_health_reason',
    help: '1 while this process reports the reason in `/prometheus/health`, else 0.',
    labels: { reason: HEALTH_REASON_NAMES },
  },
  series: {
    type: 'gauge',
    name: 'streamfold_series',
    help: 'Series of the swarm that this process holds.',
  },
  foldedTogether: {
    type: 'gauge',
    name: 'streamfold_series_folded_together',
    help: 'Series of the swarm beyond the limit of a metric, which are shown as one with labels `other`.',
    labels: { metric: OPEN },
  },
  commitSeconds: {
    type: 'histogram',
    name: 'streamfold_commit_duration_seconds',
    help: 'Time from sending a commit to its reply.',
    buckets: DURATION_BUCKETS_SECONDS,
  },
  scrapeSeconds: {
    type: 'histogram',
    name: 'streamfold_scrape_duration_seconds',
    help: 'Time to read changes and render the metrics of the swarm.',
    buckets: DURATION_BUCKETS_SECONDS,
  },
  refusedScrapes: {
    type: 'counter',
    name: 'streamfold_scrapes_refused_total',
    help: 'Scrapes of the swarm answered 503 because the process was busy with others: slow clients, or too many variants.',
  },
  buildInfo: {
    type: 'gauge',
    name: 'streamfold_build_info',
    help: 'Always 1; the version is in the label.',
    labels: { version: OPEN },
  },
} as const satisfies Readonly<Record<string, ProcessMetricRow>>;

type Rows = typeof PROCESS_METRIC_ROWS;

export type ProcessMetricId = keyof Rows;

/** The metrics of one type. */
export type IdOfType<Type extends ProcessMetricRow['type']> = {
  readonly [Id in ProcessMetricId]: Rows[Id]['type'] extends Type ? Id : never;
}[ProcessMetricId];

/** The labels of a metric, each with the values that it may have, as the rest of the arguments: none if it has no labels. */
export type LabelsOf<Id extends ProcessMetricId> = Rows[Id] extends { readonly labels: infer Labels }
  ? [{ readonly [Label in keyof Labels]: ValueOf<Labels[Label]> }]
  : [];

type ValueOf<Values> = Values extends readonly (infer Value)[] ? Value : string | number;
