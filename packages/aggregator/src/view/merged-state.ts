import {
  createBinaryDeltaMerger,
  mergeDelta,
  OwnBatches,
  pruneTombstones,
  stampMs,
  type Catalogue,
  type CoordinatorGauges,
  type Delta,
  type SeriesBorn,
  type SeriesKey,
} from '@streamfold/core';
import { isYoung, type Births } from '../state/births.ts';
import { HASH_SEED } from '../state/hash-seed.ts';
import type { Snapshot } from '../state/load-snapshot.ts';
import type { DeltaRecord, RecordName } from '../state/read-deltas.ts';
import { createProjectedGauges } from './projected-gauges.ts';
import { createSeriesBound, type SeriesBound } from './series-bound.ts';
import type { ViewListener } from './shard-view.ts';

/** The state at one record, and everything derived from it. */
export interface SettledState {
  readonly delta: Delta;
  /** The births of the young series. */
  readonly births: Births;
  /** Determines which series are shown. */
  readonly bound: SeriesBound;
  readonly gauges: CoordinatorGauges;
}

/**
 * A snapshot, and the records merged into it since.
 *
 * Batches of this process are only added up, as numbers (`OwnBatches`), until something reads the state or a record of another
 * process comes: so a run of them costs little more than the last one. `read` is the only way to the state.
 */
export interface MergedState {
  /** Settles what is not in the state yet, reports the changed series, and returns the state: of the last merged record. */
  read(): SettledState;
  /** Entries whose records were merged. */
  readonly entries: number;
  /** The last merged record. */
  readonly at: RecordName;
  /** The time at which it was appended, ms of Redis's clock. */
  readonly atMs: number;
  /** Merges the next record. @throws {Error} if it is malformed; the state is then as it was. */
  merge(record: DeltaRecord): void;
  /** Forgets the births of series that are not young at `nowMs`. */
  forgetOld(nowMs: number): void;
  /** Notes that the state is that of the record `name`, the last one merged. */
  confirm(name: RecordName): void;
}

export interface MergedStateOptions {
  readonly catalogue: Catalogue;
  /** Series of one metric that are shown individually; 0: all. */
  readonly limit: number;
  readonly listener: ViewListener;
}

/** The state of a snapshot, into which records are merged. */
export function createMergedState(snapshot: Snapshot, options: MergedStateOptions): MergedState {
  const { state: delta, births } = snapshot;
  const { catalogue, listener } = options;
  const gauges = createProjectedGauges(delta, options);
  const bound = createSeriesBound(delta, options);
  const own = new OwnBatches(delta, catalogue);
  const mergeOther = createOtherMerge(delta, bound);
  const pruning = createPruning(delta);
  let { at } = snapshot;
  let atMs = stampMs(at.position);
  /** The latest time that was given. If the clock goes back, series born before that are old: what is not settled yet must be. */
  let nowMs = atMs;

  const report = ({ series, coordinators }: MergedKeys): void => {
    gauges.touch(coordinators);
    for (const [name, keys] of series)
      for (const key of keys) listener.changed(name, bound.shownAs(name, key));
  };

  const settle = (): void => {
    if (own.isEmpty) return;
    const together = bound.showsTogether ? own.describeSeries() : undefined;
    const merged = own.settle((name, key, bornMs) => {
      if (bornMs !== OLD) births.add(name, key, bornMs);
    });
    if (together === undefined) bound.mergedMetrics(merged.series.keys());
    else bound.merged({ series: together });
    births.forgetOld(nowMs);
    report(merged);
    pruning.runWhenDue();
  };

  const forgetOld = (ms: number): void => {
    nowMs = ms;
    births.forgetOld(ms);
  };

  return {
    read() {
      settle();
      return { delta, births, bound, gauges: gauges.read() };
    },
    get entries() {
      return delta.totals.entries;
    },
    get at() {
      return at;
    },
    get atMs() {
      return atMs;
    },
    merge(record) {
      const { columns, watermark, bornMs } = record;
      const isOld = !isYoung(bornMs, record.atMs);
      if (columns === undefined || record.atMs < nowMs || !own.takes(columns)) settle();
      pruning.count();
      if (columns === undefined) {
        report(mergeOther(record, isOld ? undefined : (name, key) => births.add(name, key, bornMs)));
        pruning.runWhenDue();
      } else own.join(columns, watermark, isOld ? OLD : bornMs);
      ({ name: at, atMs } = record);
      forgetOld(atMs);
    },
    forgetOld(ms) {
      if (ms < nowMs) settle();
      forgetOld(ms);
    },
    confirm(name) {
      at = name;
    },
  };
}

/** The birth time of series that are not young. */
const OLD = -1;

/** Merges a record of the log into a state and its bound, without decoding it if all it does is to add to series. */
function createOtherMerge(
  delta: Delta,
  bound: SeriesBound,
): (record: DeltaRecord, born: SeriesBorn | undefined) => MergedKeys {
  const undecoded = createBinaryDeltaMerger(delta, HASH_SEED);
  return (record, born) => {
    const { binary, watermark } = record;
    if (binary !== undefined && !bound.showsTogether) {
      const merged = undecoded.merge(binary, watermark, born);
      bound.mergedMetrics(merged.series.keys());
      return merged;
    }
    const added = record.delta();
    added.watermark = watermark;
    mergeDelta(delta, added, born);
    bound.merged(added);
    return {
      series: new Map([...added.series].map(([name, values]) => [name, values.keys()])),
      coordinators: added.coordinators.keys(),
    };
  };
}

/** After this number of records all coordinators are pruned; reading the gauges prunes only those that have changed. */
const PRUNING_RECORDS = 1_000;

/** Prunes a state now and then. All counted records must be in it by then: an older event may still need a tombstone. */
function createPruning(delta: Delta): { count(): void; runWhenDue(): void } {
  let records = 0;
  return {
    count: () => void records++,
    runWhenDue() {
      if (records < PRUNING_RECORDS) return;
      records = 0;
      pruneTombstones(delta);
    },
  };
}

/** What a record has changed: of each metric the keys of series, and coordinators. */
interface MergedKeys {
  readonly series: ReadonlyMap<string, Iterable<SeriesKey>>;
  readonly coordinators: Iterable<string>;
}
