import { countSeries, type CoordinatorGauges, type Delta } from '@streamfold/core';
import { readServerTimeMs, type RedisConnection } from '@streamfold/redis';
import type { Observe } from '../run/fact.ts';
import type { Births } from '../state/births.ts';
import type { Generation } from '../state/generation.ts';
import type { Position } from '../state/read-deltas.ts';
import { followLog } from './follow-log.ts';
import { loadState, type StateLoader } from './load-state.ts';
import { createMergedState, type MergedState } from './merged-state.ts';
import type { SeriesBound } from './series-bound.ts';
import { createSnapshotSchedule } from './snapshot-schedule.ts';

/** Called when series move, so that only those are rendered again. */
export interface ViewListener {
  /** Series `key` of the metric `name` has another value, or is there no longer. */
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
 * It is loaded from the current snapshot. If that cannot be read, or the log does not continue from it, then from the previous
 * one; if there is none of those, from the start of the log. The snapshot that could not be used is then replaced.
 */
export interface ShardView {
  /**
   * Reads the delta log to its end, from a snapshot if this is the first time. What it costs follows what changed.
   *
   * @throws {UnreadableStateError} if nothing leads to the end of the log.
   * @throws if Redis cannot be reached; the state is then as it was, and must not be shown as current.
   */
  refresh(): Promise<void>;
  /** Writes a snapshot if the log has grown enough since the last one, or that one cannot be used. */
  writeSnapshotWhenDue(): Promise<void>;
  readonly shard: number;
  /** True once the first refresh has come to the end of the log, and while the state that was loaded since is complete. */
  readonly loaded: boolean;
  readonly position: Position;
  readonly state: Delta;
  /** Which series are shown. */
  readonly bound: SeriesBound;
  /** When the young series were born. */
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
  /** A snapshot is due after so many records of the delta log, however small they are. */
  readonly snapshotRecords?: number;
  /** Series of one metric that are shown each; 0, as by default: all. */
  readonly seriesLimit?: number;
}

export function createShardView(options: ShardViewOptions): ShardView {
  const { redis, generation, listener, observe, createId } = options;
  const { shard, keys, catalogue } = generation;
  const { seriesLimit: limit = 0 } = options;
  let merged: MergedState | undefined;
  let serverTimeMs = 0;
  /** The state has been that of the end of the log once since it was loaded. */
  let complete = false;
  const schedule = createSnapshotSchedule(redis, keys, options);

  const follow = async (state: MergedState): Promise<boolean> => {
    const continues = await followLog({ redis, keys }, state, schedule.merged);
    if (!continues) merged = undefined;
    return continues;
  };

  const loader: StateLoader = {
    start(snapshot, cause) {
      merged = createMergedState(snapshot, { catalogue, limit, listener });
      schedule.loaded(snapshot);
      listener.replaced();
      observe({ type: 'view_loaded', shard, cause, series: countSeries(snapshot.state) });
      return follow(merged);
    },
    skip(error) {
      const { key, reason } = error;
      schedule.unreadable(key);
      observe({ type: 'snapshot_unreadable', shard, key, reason, error });
    },
  };

  const expectMerged = (): MergedState => expectLoaded(merged, shard);

  return {
    async refresh() {
      const cause = merged === undefined ? 'start' : 'log_discontinued';
      if (merged === undefined || !(await follow(merged))) {
        complete = false;
        await loadState({ redis, keys }, loader, cause);
      }
      complete = true;
      serverTimeMs = await readServerTimeMs(redis); // after the records, so none of them is later
      merged?.births.forgetOld(serverTimeMs);
    },
    async writeSnapshotWhenDue() {
      if (merged === undefined) return;
      const captured = merged;
      const written = await schedule.writeWhenDue(createId, () => {
        // A refresh meanwhile may have loaded anew: this state does not belong to the record of now.
        if (merged !== captured) return undefined;
        const { delta: state, births, at, atMs } = captured;
        return { state, births, at, atMs };
      });
      if (written === undefined) return;
      observe({ type: 'snapshot_written', shard, outcome: written.outcome, bytes: written.bytes });
    },
    shard,
    get loaded() {
      return merged !== undefined && complete;
    },
    get position() {
      return merged?.at.position ?? '';
    },
    get state() {
      return expectMerged().delta;
    },
    get bound() {
      return expectMerged().bound;
    },
    get births() {
      return expectMerged().births;
    },
    get gauges() {
      return expectMerged().gauges;
    },
    get serverTimeMs() {
      return serverTimeMs;
    },
  };
}

function expectLoaded(merged: MergedState | undefined, shard: number): MergedState {
  if (merged === undefined) throw new Error(`the view of shard ${shard} is not loaded yet`);
  return merged;
}
