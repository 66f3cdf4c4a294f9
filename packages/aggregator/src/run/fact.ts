import type { ConnectionError } from '@streamfold/redis';
import type { ArchiveStopReason } from '@streamfold/archive';
import type { DeadLetterReason, HealthReason } from '@streamfold/core';

/** Something that happened in an aggregator. Metrics and logs subscribe to these; nothing else depends on them. */
export type Fact =
  | {
      readonly type: 'batch_committed';
      readonly shard: number;
      readonly entries: number;
      readonly events: number;
      readonly lostEntries: number;
      readonly deadLetters: ReadonlyMap<DeadLetterReason, number>;
      readonly commitMs: number;
    }
  | {
      readonly type: 'generation_batch_committed';
      readonly shard: number;
      readonly generation: string;
      readonly entries: number;
      readonly events: number;
      readonly deadLetters: ReadonlyMap<DeadLetterReason, number>;
    }
  | { readonly type: 'generation_folded'; readonly generation: string; readonly state: string }
  | { readonly type: 'generation_switched'; readonly from: string; readonly to: string }
  | { readonly type: 'generation_dropped'; readonly generation: string }
  | { readonly type: 'generation_unreadable'; readonly generation: string; readonly error: Error }
  | {
      readonly type: 'rebuild_needed';
      readonly needed: boolean;
      readonly live: string;
      readonly configured: string;
    }
  | { readonly type: 'batch_contested'; readonly shard: number; readonly entries: number }
  | {
      readonly type: 'commit_failed';
      readonly shard: number;
      readonly entries: number;
      readonly error: Error;
    }
  | { readonly type: 'entries_repeated'; readonly shard: number; readonly entries: number }
  | { readonly type: 'stream_replaced'; readonly shard: number }
  | { readonly type: 'entries_claimed'; readonly shard: number; readonly entries: number }
  | { readonly type: 'entries_lost'; readonly shard: number; readonly entries: number }
  | { readonly type: 'dead_letters_trimmed'; readonly shard: number; readonly deadLetters: number }
  | { readonly type: 'consumers_removed'; readonly shard: number; readonly consumers: number }
  | { readonly type: 'group_created'; readonly shard: number; readonly group: string }
  | { readonly type: 'group_restored'; readonly shard: number; readonly group: string }
  | {
      readonly type: 'failed';
      readonly shard: number | undefined;
      readonly step: FailingStep;
      readonly error: Error;
    }
  | { readonly type: 'recovered'; readonly shard: number | undefined; readonly step: FailingStep }
  | {
      readonly type: 'monitor_moved';
      readonly shard: number;
      readonly stale: number;
      readonly dead: number;
      readonly waits: number;
      readonly signals: number;
    }
  | { readonly type: 'monitor_suspended'; readonly shard: number; readonly graceMs: number }
  | { readonly type: 'records_set_aside'; readonly shard: number; readonly records: number }
  | { readonly type: 'clock_stepped_back'; readonly shard: number; readonly backMs: number }
  | {
      readonly type: 'ended_coordinators_removed';
      readonly shard: number;
      readonly removed: number;
      /** Coordinators with work or signals that nobody took over. */
      readonly kept: number;
      /** Their records are malformed. */
      readonly refused: number;
    }
  | {
      readonly type: 'segment_archived';
      readonly shard: number;
      readonly sequence: number;
      readonly entries: number;
      readonly bytes: number;
    }
  | { readonly type: 'entries_trimmed'; readonly shard: number; readonly entries: number }
  /** The current number of keys of coordination that are nearly full, on all shards. */
  | { readonly type: 'near_bound_counted'; readonly keys: number }
  /** The current number of shards that are not archived, by reason. */
  | { readonly type: 'archive_stops_counted'; readonly shards: ReadonlyMap<ArchiveStopReason, number> }
  /** Something is wrong until it is cleared; raising it again only replaces its detail. Shown by the health endpoint. */
  | {
      readonly type: 'condition_raised';
      readonly reason: HealthReason;
      /** `undefined` if it concerns the whole process. */
      readonly shard: number | undefined;
      /** What was expected, what arrived, what to do. */
      readonly detail: string;
    }
  | {
      readonly type: 'condition_cleared';
      readonly reason: HealthReason;
      readonly shard: number | undefined;
    }
  | { readonly type: 'connection_failed'; readonly error: ConnectionError }
  | { readonly type: 'request_failed'; readonly error: Error }
  | {
      readonly type: 'view_loaded';
      readonly shard: number;
      readonly cause: ViewLoadCause;
      readonly series: number;
    }
  /** The view of a shard was loaded again, and has folded fewer entries than before. */
  | {
      readonly type: 'state_lost';
      readonly shard: number;
      /** By the clock of Redis, ms. */
      readonly atMs: number;
      readonly entries: number;
      readonly leftEntries: number;
    }
  | {
      readonly type: 'snapshot_written';
      readonly shard: number;
      readonly outcome: (typeof SNAPSHOT_OUTCOMES)[number];
      readonly bytes: number;
    }
  /** The snapshot is replaced as soon as the view has been loaded from another source. */
  | {
      readonly type: 'snapshot_unreadable';
      readonly shard: number;
      readonly key: string;
      readonly reason: (typeof UNREADABLE_SNAPSHOT_REASONS)[number];
      readonly error: Error;
    };

// The closed sets of values that facts carry. Metrics show each of them from the start.

/** The steps that an aggregator repeats until they succeed. */
export const FAILING_STEPS = [
  'fold',
  'view',
  'upkeep',
  'monitor',
  'open',
  'generations',
  'archive',
  'cleanup',
  'bounds',
] as const;

export type FailingStep = (typeof FAILING_STEPS)[number];

/** The outcome of a batch. */
export const BATCH_OUTCOMES = ['committed', 'contested', 'failed'] as const;

/** Why an entry can never be folded. */
export const LOSS_REASONS = ['trimmed'] as const;

/** The outcome of a written snapshot. */
export const SNAPSHOT_OUTCOMES = ['published', 'superseded', 'discontinued'] as const;

/** Why a snapshot cannot be used. */
export const UNREADABLE_SNAPSHOT_REASONS = ['missing', 'malformed', 'discontinued'] as const;

/** Why a view is loaded. */
export const VIEW_LOAD_CAUSES = ['start', 'log_discontinued'] as const;

export type ViewLoadCause = (typeof VIEW_LOAD_CAUSES)[number];

/** The kinds of overdue subjects that a monitor finds. */
export const MONITOR_SUBJECTS = ['stale', 'dead', 'wait', 'signal'] as const;

export type Observe = (fact: Fact) => void;
