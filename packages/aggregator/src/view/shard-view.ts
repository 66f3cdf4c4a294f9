import { countSeries, type CoordinatorGauges, type Delta } from '@streamfold/core';
import { readServerTimeMs, type RedisConnection } from '@streamfold/redis';
import type { Observe } from '../run/fact.ts';
import type { Births } from '../state/births.ts';
import type { Generation } from '../state/generation.ts';
import { isSameRecord, type DeltaRecord, type Position } from '../state/read-deltas.ts';
import type { CapturedState } from '../state/write-snapshot.ts';
import { followLog } from './follow-log.ts';
import { loadState, type StateLoader } from './load-state.ts';
import { createMergedState, type MergedState, type SettledState } from './merged-state.ts';
import type { SeriesBound } from './series-bound.ts';
import { createSnapshotSchedule, type SnapshotSchedule } from './snapshot-schedule.ts';

/** Called when series change, so that only those are rendered again. */
export interface ViewListener {
  /** Series `key` of the metric `name` has another value, or no longer exists. */
  changed(name: string, key: string): void;
  /** Everything may be different. */
  replaced(): void;
}

/**
 * The merged state of one shard in memory.
 *
 * ```
 *   not loaded ──refresh──▶ at a record ──refresh: the records after it──▶ at a later record
 *       ▲                        │
 *       └────────────────────────┘ the log does not continue from here: it was trimmed past us, or rolled back
 * ```
 *
 * It is loaded from the current snapshot. If that cannot be read, or the log does not continue from it, it is loaded
 * from the previous one; without either, from the start of the log. The unusable snapshot is then replaced.
 */
export interface ShardView {
  /**
   * Reads the delta log to its end, from a snapshot the first time. The cost grows with the number of changes.
   *
   * @throws {UnreadableStateError} if no start leads to the end of the log.
   * @throws if Redis cannot be reached; the state is then unchanged, and must not be shown as current.
   */
  refresh(): Promise<void>;
  /**
   * Merges a record that this process has appended to the delta log, if it follows the last one merged. If it does not, the next
   * refresh reads it from the log. Must not be called during a refresh. Does not throw.
   */
  mergeOwn(record: DeltaRecord): void;
  /** Writes a snapshot if the log has grown enough since the last one, or the last one is unusable. */
  writeSnapshotWhenDue(): Promise<void>;
  /** Brings what the view shows up to the last merged record, and reports the changed series. Reading anything of it does the same. */
  settle(): void;
  readonly shard: number;
  /** True once the first refresh has reached the end of the log, and while the state loaded since is complete. */
  readonly loaded: boolean;
  readonly position: Position;
  readonly state: Delta;
  /** Determines which series are shown. */
  readonly bound: SeriesBound;
  /** The births of the young series. */
  readonly births: Births;
  readonly gauges: CoordinatorGauges;
  /** The clock of Redis at the last refresh, ms. */
  readonly serverTimeMs: number;
}

export interface ShardViewOptions {
  readonly redis: RedisConnection;
  readonly generation: Generation;
  readonly listener: ViewListener;
  readonly observe: Observe;
  readonly createId: () => string;
  /** A snapshot is due after this number of records of the delta log, however small they are. */
  readonly snapshotRecords?: number;
  /** Series of one metric that are shown individually; 0, the default: all. */
  readonly seriesLimit?: number;
}

export function createShardView(options: ShardViewOptions): ShardView {
  const { redis, generation, observe, createId } = options;
  const { shard, keys } = generation;
  let merged: MergedState | undefined;
  let serverTimeMs = 0;
  /** The state has reached the end of the log since it was loaded. */
  let complete = false;
  const schedule = createSnapshotSchedule(redis, keys, options);

  const follow = async (state: MergedState): Promise<boolean> => {
    if (await followLog({ redis, keys }, state, schedule.merged)) return true;
    merged = undefined;
    return false;
  };

  const loader = createLoader(options, schedule, (state) => follow((merged = state)));

  /** The state with all that was merged. If that fails, half of it may be there: the next refresh loads the state again. */
  const read = (): SettledState =>
    readOr(expectLoaded(merged, shard), () => {
      merged = undefined;
    });

  return {
    async refresh() {
      const cause = merged === undefined ? 'start' : 'log_discontinued';
      const before = merged?.entries ?? 0;
      if (merged === undefined || !(await follow(merged))) {
        complete = false;
        await loadState({ redis, keys }, loader, cause);
      }
      complete = true;
      serverTimeMs = await readServerTimeMs(redis); // after the records, so none of them is later
      merged?.forgetOld(serverTimeMs);
      const { entries: left } = expectLoaded(merged, shard);
      reportLoss(observe, { shard, before, left, atMs: serverTimeMs });
    },
    mergeOwn(record) {
      if (merged === undefined || !complete) return;
      try {
        if (mergeNext(merged, record)) schedule.merged(record);
      } catch {
        merged = undefined; // half of it may be merged: the next refresh loads the state again, and reports what is wrong
      }
    },
    async writeSnapshotWhenDue() {
      if (merged === undefined) return;
      const captured = merged;
      // A refresh meanwhile may have loaded another state: this one does not belong to the current record.
      const written = await schedule.writeWhenDue(createId, () =>
        merged === captured ? capture(read(), captured) : undefined,
      );
      if (written === undefined) return;
      observe({ type: 'snapshot_written', shard, outcome: written.outcome, bytes: written.bytes });
    },
    settle: () => void read(),
    shard,
    get loaded() {
      return merged !== undefined && complete;
    },
    get position() {
      return merged?.at.position ?? '';
    },
    get state() {
      return read().delta;
    },
    get bound() {
      return read().bound;
    },
    get births() {
      return read().births;
    },
    get gauges() {
      return read().gauges;
    },
    get serverTimeMs() {
      return serverTimeMs;
    },
  };
}

/** Only if Redis went back can a state have fewer entries than an earlier one. */
function reportLoss(
  observe: Observe,
  { shard, before, left, atMs }: Readonly<Record<'shard' | 'before' | 'left' | 'atMs', number>>,
): void {
  if (left < before) observe({ type: 'state_lost', shard, atMs, entries: before - left, leftEntries: left });
}

/** Loads states; `follow` takes each over, and merges the log after it. */
function createLoader(
  { generation, listener, observe, seriesLimit: limit = 0 }: ShardViewOptions,
  schedule: SnapshotSchedule,
  follow: (state: MergedState) => Promise<boolean>,
): StateLoader {
  const { shard, catalogue } = generation;
  return {
    start(snapshot, cause) {
      const state = createMergedState(snapshot, { catalogue, limit, listener });
      schedule.loaded(snapshot);
      listener.replaced();
      observe({ type: 'view_loaded', shard, cause, series: countSeries(snapshot.state) });
      return follow(state);
    },
    skip(error) {
      const { key, reason } = error;
      schedule.unreadable(key);
      observe({ type: 'snapshot_unreadable', shard, key, reason, error });
    },
  };
}

function readOr(state: MergedState, onFailure: () => void): SettledState {
  try {
    return state.read();
  } catch (error) {
    onFailure();
    throw error;
  }
}

function capture({ delta: state, births }: SettledState, { at, atMs }: MergedState): CapturedState {
  return { state, births, at, atMs };
}

/** Merges a record if it follows the last one. */
function mergeNext(merged: MergedState, record: DeltaRecord): boolean {
  const follows = isSameRecord(record.previous, merged.at);
  if (follows) merged.merge(record);
  return follows;
}

function expectLoaded(merged: MergedState | undefined, shard: number): MergedState {
  if (merged === undefined) throw new Error(`the view of shard ${shard} is not loaded yet`);
  return merged;
}
