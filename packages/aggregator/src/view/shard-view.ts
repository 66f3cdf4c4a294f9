import {
  countSeries,
  createCoordinatorGauges,
  emptyDelta,
  isAfter,
  mergeDelta,
  pruneRegisters,
  pruneTombstones,
  readCoordinator,
  stampMs,
  type Catalogue,
  type CoordinatorGauges,
  type CoordinatorProjection,
  type Delta,
} from '@streamfold/core';
import { readServerTimeMs, type RedisConnection } from '@streamfold/redis';
import type { Observe, ViewLoadCause } from '../run/fact.ts';
import type { Generation } from '../state/generation.ts';
import { isYoung, type Births } from '../state/births.ts';
import { loadSnapshot, readSnapshotPointer, type Snapshot } from '../state/load-snapshot.ts';
import { readDeltas, type DeltaRecord, type Position } from '../state/read-deltas.ts';
import { readHead } from '../state/read-head.ts';
import { createSeriesBound, type SeriesBound } from './series-bound.ts';
import { writeSnapshot } from '../state/write-snapshot.ts';

/** Told which series moved, so that only those are rendered again. */
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
 *   not loaded ──refresh──▶ at a position ──refresh: records behind it──▶ at a later position
 *       ▲                        │
 *       └────────────────────────┘ the log no longer goes on from here: it was trimmed past us, or rolled back
 * ```
 */
export interface ShardView {
  /**
   * Reads the delta log to its end, from the snapshot if this is the first time. What it costs follows what changed.
   *
   * @throws where Redis cannot be reached; the state is then as it was, and must not be shown as current.
   */
  refresh(): Promise<void>;
  /** Writes a snapshot where the log has grown enough since the last one. */
  writeSnapshotWhenDue(): Promise<void>;
  readonly shard: number;
  /** True once the first refresh has come to the end of the log, and while what was loaded since is whole. */
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

/** A snapshot is due when the log since the last one is this many times as large … */
const SNAPSHOT_GROWTH = 4;
/** … and at least as large as this (characters), or has this many records: it is what a starting aggregator reads. */
const SNAPSHOT_LEAST_SIZE = 16 * 1024 * 1024;
const SNAPSHOT_RECORDS = 5_000;
/** After so many records all coordinators are looked through for what can be forgotten; a record prunes only its own. */
const PRUNING_RECORDS = 1_000;

/** Names of the gauges that show a projection. */
function nameGauges(catalogue: Catalogue): ReadonlyMap<CoordinatorProjection, readonly string[]> {
  return new Map(
    (['coordinators_alive', 'open_waits', 'oldest_open_wait'] as const).map((projection) => [
      projection,
      catalogue
        .filter((metric) => metric.type === 'gauge' && metric.projection === projection)
        .map(({ name }) => name),
    ]),
  );
}

export function createShardView(options: ShardViewOptions): ShardView {
  const { redis, generation, listener, observe, createId, snapshotRecords = SNAPSHOT_RECORDS } = options;
  const { seriesLimit: limit = 0 } = options;
  const { shard, keys, catalogue } = generation;
  const gaugesByProjection = nameGauges(catalogue);
  const gaugeChanged = (projection: CoordinatorProjection, key: string): void => {
    for (const name of gaugesByProjection.get(projection) ?? []) listener.changed(name, key);
  };
  let snapshot: Snapshot | undefined;
  let position: Position = '';
  let gauges = createCoordinatorGauges(gaugeChanged);
  let bound = createSeriesBound(emptyDelta(), { catalogue, limit });
  /** Coordinators that have changed since the gauges were brought up to date. */
  const touched = new Set<string>();
  let sizeSinceSnapshot = 0;
  let recordsSinceSnapshot = 0;
  let recordsSincePruning = 0;
  let serverTimeMs = 0;
  /** The state has been that of the end of the log once since it was loaded. */
  let complete = false;

  const load = async (cause: ViewLoadCause): Promise<Snapshot> => {
    const loaded = await loadSnapshot(redis, keys);
    snapshot = loaded;
    position = loaded.position;
    sizeSinceSnapshot = 0;
    recordsSinceSnapshot = 0;
    gauges = createCoordinatorGauges(gaugeChanged);
    for (const [key, registers] of loaded.state.coordinators) {
      gauges.set(key, readCoordinator(registers));
    }
    touched.clear();
    bound = createSeriesBound(loaded.state, { catalogue, limit });
    listener.replaced();
    observe({ type: 'view_loaded', shard, cause, series: countSeries(loaded.state) });
    return loaded;
  };

  const apply = ({ state, births }: Snapshot, record: DeltaRecord): void => {
    const delta = record.delta();
    delta.watermark = record.watermark;
    const { bornMs } = record;
    const recordMs = stampMs(record.position);
    if (isYoung(bornMs, recordMs)) mergeDelta(state, delta, (name, key) => births.add(name, key, bornMs));
    else mergeDelta(state, delta);
    births.forgetOld(recordMs);
    for (const key of delta.coordinators.keys()) touched.add(key);
    bound.merged(delta);
    for (const [name, series] of delta.series)
      for (const key of series.keys()) listener.changed(name, bound.shownAs(name, key));
    position = record.position;
    sizeSinceSnapshot += record.size;
    recordsSinceSnapshot++;
    if (++recordsSincePruning < PRUNING_RECORDS) return;
    recordsSincePruning = 0;
    pruneTombstones(state);
  };

  /** Brings the gauges up to date: once for each coordinator, however many records touched it. */
  const project = ({ coordinators, watermark }: Delta): void => {
    for (const key of touched) {
      const registers = coordinators.get(key);
      gauges.set(key, registers && readCoordinator(registers));
      if (registers && pruneRegisters(registers, watermark) === 'nothing_left') coordinators.delete(key);
    }
    touched.clear();
  };

  /** Applies what follows; false where the log does not go on from the position of the view. */
  const readOn = async (loaded: Snapshot): Promise<boolean> => {
    const end = await readHead(redis, keys);
    while (position !== end) {
      const records = await readDeltas(redis, keys, position);
      if (records.length === 0) return false;
      for (const record of records) {
        if (record.previous !== position) return false;
        apply(loaded, record);
        if (record.position === end) return true;
      }
    }
    return true;
  };

  const follow = async (loaded: Snapshot): Promise<boolean> => {
    try {
      return await readOn(loaded);
    } finally {
      project(loaded.state);
    }
  };

  return {
    async refresh() {
      serverTimeMs = await readServerTimeMs(redis);
      if (snapshot !== undefined && (await follow(snapshot))) {
        complete = true;
        return;
      }
      let cause: ViewLoadCause = snapshot === undefined ? 'start' : 'log_discontinued';
      snapshot = undefined;
      complete = false;
      for (let tries = 0; tries < LOAD_TRIES; tries++) {
        if (await follow(await load(cause))) {
          complete = true;
          return;
        }
        snapshot = undefined;
        cause = 'log_discontinued';
      }
      throw new Error(
        `delta log ${keys.deltas}: expected it to go on from the snapshot at ${position}; it does not`,
      );
    },
    async writeSnapshotWhenDue() {
      if (snapshot === undefined) return;
      const due = Math.max(SNAPSHOT_LEAST_SIZE, SNAPSHOT_GROWTH * snapshot.bytes);
      if (sizeSinceSnapshot < due && recordsSinceSnapshot < snapshotRecords) return;
      const current = await readSnapshotPointer(redis, keys);
      if (current !== undefined && isAfter(current.position, snapshot.position)) {
        // Another aggregator has written one meanwhile: it is counted anew from here.
        snapshot = { ...snapshot, position: current.position, bytes: current.bytes };
        sizeSinceSnapshot = 0;
        recordsSinceSnapshot = 0;
        return;
      }
      const { state, births } = snapshot;
      const written = await writeSnapshot(redis, keys, {
        id: createId(),
        capture() {
          // A refresh meanwhile may have loaded anew: this state does not belong to the position of now.
          if (snapshot?.state !== state) return undefined;
          sizeSinceSnapshot = 0;
          recordsSinceSnapshot = 0;
          return { state, births, position };
        },
      });
      if (written.outcome === 'busy') return;
      if (snapshot?.state === state)
        snapshot = { ...snapshot, position: written.position, bytes: written.bytes };
      observe({ type: 'snapshot_written', shard, outcome: written.outcome, bytes: written.bytes });
    },
    shard,
    get loaded() {
      return snapshot !== undefined && complete;
    },
    get position() {
      return position;
    },
    get state() {
      if (snapshot === undefined) throw new Error(`the view of shard ${shard} is not loaded yet`);
      return snapshot.state;
    },
    get bound() {
      return bound;
    },
    get births() {
      if (snapshot === undefined) throw new Error(`the view of shard ${shard} is not loaded yet`);
      return snapshot.births;
    },
    get gauges() {
      return gauges;
    },
    get serverTimeMs() {
      return serverTimeMs;
    },
  };
}

/** The log can be trimmed past a snapshot while that is being loaded; more often than this it cannot. */
const LOAD_TRIES = 3;
