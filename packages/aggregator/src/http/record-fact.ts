import { ARCHIVE_STOP_REASONS } from '@streamfold/archive';
import type { DeadLetterReason } from '@streamfold/core';
import type { Fact } from '../run/fact.ts';
import type { IdOfType, LabelsOf } from './process-metric-rows.ts';

/** Writes to the metrics of the process. The compiler checks labels and their values. */
export interface MetricWriter {
  /** Adds to a counter. */
  add<Id extends IdOfType<'counter'>>(id: Id, value: number, ...labels: LabelsOf<Id>): void;
  /** Sets a gauge. */
  set<Id extends IdOfType<'gauge'>>(id: Id, value: number, ...labels: LabelsOf<Id>): void;
  /** Observes a value by a histogram. */
  observe(id: IdOfType<'histogram'>, value: number): void;
}

type FactOf = { readonly [Type in Fact['type']]: Extract<Fact, { readonly type: Type }> };
type Recorder<Type extends Fact['type']> = (metrics: MetricWriter, fact: FactOf[Type]) => void;

const NOT_RECORDED = undefined;

/** What each fact changes in the metrics. A new fact needs a row. */
const RECORDERS: { readonly [Type in Fact['type']]: Recorder<Type> | typeof NOT_RECORDED } = {
  batch_committed(metrics, { entries, events, lostEntries, deadLetters, commitMs }) {
    metrics.add('batches', 1, { outcome: 'committed' });
    metrics.add('entries', entries);
    metrics.add('events', events);
    metrics.add('lostEntries', lostEntries, { reason: 'trimmed' });
    addDeadLetters(metrics, deadLetters);
    metrics.observe('commitSeconds', commitMs / 1_000);
  },
  generation_batch_committed(metrics, { entries, deadLetters }) {
    metrics.add('rebuiltEntries', entries);
    addDeadLetters(metrics, deadLetters);
  },
  batch_contested: (metrics) => metrics.add('batches', 1, { outcome: 'contested' }),
  commit_failed: (metrics) => metrics.add('batches', 1, { outcome: 'failed' }),
  entries_claimed: (metrics, { entries }) => metrics.add('claimedEntries', entries),
  entries_repeated: (metrics, { entries }) => metrics.add('repeatedEntries', entries),
  stream_replaced: (metrics) => metrics.add('replacedStreams', 1),
  entries_lost: (metrics, { entries }) => metrics.add('lostEntries', entries, { reason: 'trimmed' }),
  dead_letters_trimmed: (metrics, { deadLetters }) => metrics.add('trimmedDeadLetters', deadLetters),
  consumers_removed: (metrics, { consumers }) => metrics.add('removedConsumers', consumers),
  failed: (metrics, { step }) => metrics.add('failures', 1, { step }),
  snapshot_written: (metrics, { outcome }) => metrics.add('snapshots', 1, { outcome }),
  snapshot_unreadable: (metrics, { reason }) => metrics.add('unreadableSnapshots', 1, { reason }),
  view_loaded: (metrics, { cause }) => metrics.add('viewLoads', 1, { cause }),
  monitor_moved(metrics, { stale, dead, waits, signals }) {
    metrics.add('detections', stale, { subject: 'stale' });
    metrics.add('detections', dead, { subject: 'dead' });
    metrics.add('detections', waits, { subject: 'wait' });
    metrics.add('detections', signals, { subject: 'signal' });
  },
  connection_failed: (metrics, { error }) => metrics.add('connectionFailures', 1, { reason: error.reason }),
  monitor_suspended: (metrics) => metrics.add('suspensions', 1),
  records_set_aside: (metrics, { records }) => metrics.add('setAsideRecords', records),
  clock_stepped_back: (metrics) => metrics.add('clockStepsBack', 1),
  ended_coordinators_removed(metrics, { shard, removed, kept }) {
    metrics.add('removedCoordinators', removed);
    metrics.set('keptCoordinators', kept, { shard });
  },
  segment_archived(metrics, { entries }) {
    metrics.add('archivedSegments', 1);
    metrics.add('archivedEntries', entries);
  },
  entries_trimmed: (metrics, { entries }) => metrics.add('trimmedEntries', entries),
  archive_stops_counted(metrics, { shards }) {
    for (const reason of ARCHIVE_STOP_REASONS)
      metrics.set('archiveStopped', shards.get(reason) ?? 0, { reason });
  },
  near_bound_counted: (metrics, { keys }) => metrics.set('keysNearBound', keys),
  rebuild_needed: (metrics, { needed }) => metrics.set('rebuildNeeded', needed ? 1 : 0),
  recovered: NOT_RECORDED,
  // `streamfold_health_reason` shows conditions.
  condition_raised: NOT_RECORDED,
  condition_cleared: NOT_RECORDED,
  state_lost: NOT_RECORDED,
  request_failed: NOT_RECORDED,
  group_created: NOT_RECORDED,
  group_restored: NOT_RECORDED,
  generation_folded: NOT_RECORDED,
  generation_switched: NOT_RECORDED,
  generation_dropped: NOT_RECORDED,
  generation_unreadable: NOT_RECORDED,
};

/** Changes the metrics as the fact says. */
export function recordFact(metrics: MetricWriter, fact: Fact): void {
  record(fact.type, fact, metrics);
}

function record<Type extends Fact['type']>(type: Type, fact: FactOf[Type], metrics: MetricWriter): void {
  RECORDERS[type]?.(metrics, fact);
}

function addDeadLetters(metrics: MetricWriter, counts: ReadonlyMap<DeadLetterReason, number>): void {
  for (const [reason, count] of counts) metrics.add('deadLetters', count, { reason });
}
