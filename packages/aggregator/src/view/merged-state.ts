import {
  createBinaryDeltaMerger,
  createColumnsMerger,
  createCoordinatorGauges,
  mergeDelta,
  pruneRegisters,
  pruneTombstones,
  readCoordinator,
  stampMs,
  type Catalogue,
  type CoordinatorGauges,
  type CoordinatorProjection,
  type Delta,
  type SeriesBorn,
  type SeriesKey,
} from '@streamfold/core';
import { isYoung, type Births } from '../state/births.ts';
import { HASH_SEED } from '../state/hash-seed.ts';
import type { Snapshot } from '../state/load-snapshot.ts';
import type { DeltaRecord, RecordName } from '../state/read-deltas.ts';
import { createSeriesBound, type SeriesBound } from './series-bound.ts';
import type { ViewListener } from './shard-view.ts';

/** After this number of records all coordinators are pruned; a record prunes only its own. */
const PRUNING_RECORDS = 1_000;

/** A snapshot, the deltas merged into it since, and everything derived from both. */
export interface MergedState {
  readonly delta: Delta;
  /** The births of the young series. */
  readonly births: Births;
  /** Determines which series are shown. */
  readonly bound: SeriesBound;
  readonly gauges: CoordinatorGauges;
  /** The last merged record. */
  readonly at: RecordName;
  /** The time at which it was appended, ms of Redis's clock. */
  readonly atMs: number;
  /** Merges the next record. @throws {Error} if it is malformed; the state is then as it was. */
  merge(record: DeltaRecord): void;
  /** Updates the gauges: once for each coordinator, however many records touched it. */
  project(): void;
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
export function createMergedState(
  { at: start, state: delta, births }: Snapshot,
  { catalogue, limit, listener }: MergedStateOptions,
): MergedState {
  const gaugesByProjection = nameGauges(catalogue);
  const gauges = createCoordinatorGauges((projection, key) => {
    for (const name of gaugesByProjection.get(projection) ?? []) listener.changed(name, key);
  });
  for (const [key, registers] of delta.coordinators) gauges.set(key, readCoordinator(registers));
  const bound = createSeriesBound(delta, { catalogue, limit });
  /** Coordinators that have changed since the gauges were updated. */
  const touched = new Set<string>();
  let at = start;
  let atMs = stampMs(start.position);
  let recordsSincePruning = 0;
  const mergeUndecoded = createUndecodedMerge(delta);

  /** Merges a record into the state and the bound, without decoding it if all it does is to add to series. */
  const mergeRecord = (record: DeltaRecord, born: SeriesBorn | undefined): MergedKeys => {
    const merged = bound.showsTogether ? undefined : mergeUndecoded(record, born);
    if (merged !== undefined) {
      bound.mergedMetrics(merged.series.keys());
      return merged;
    }
    const added = record.delta();
    added.watermark = record.watermark;
    mergeDelta(delta, added, born);
    bound.merged(added);
    return {
      series: new Map([...added.series].map(([name, values]) => [name, values.keys()])),
      coordinators: added.coordinators.keys(),
    };
  };

  return {
    delta,
    births,
    bound,
    gauges,
    get at() {
      return at;
    },
    get atMs() {
      return atMs;
    },
    merge(record) {
      const { bornMs } = record;
      const born: SeriesBorn | undefined = isYoung(bornMs, record.atMs)
        ? (name, key) => births.add(name, key, bornMs)
        : undefined;
      const { series, coordinators } = mergeRecord(record, born);
      ({ name: at, atMs } = record);
      births.forgetOld(atMs);
      for (const key of coordinators) touched.add(key);
      for (const [name, keys] of series)
        for (const key of keys) listener.changed(name, bound.shownAs(name, key));
      if (++recordsSincePruning < PRUNING_RECORDS) return;
      recordsSincePruning = 0;
      pruneTombstones(delta);
    },
    project() {
      const { coordinators, watermark } = delta;
      for (const key of touched) {
        const registers = coordinators.get(key);
        gauges.set(key, registers && readCoordinator(registers));
        if (registers && pruneRegisters(registers, watermark) === 'nothing_left') coordinators.delete(key);
      }
      touched.clear();
    },
    confirm(name) {
      at = name;
    },
  };
}

/** Merges a record into `delta` without decoding it; returns `undefined`, and merges nothing, if it must be decoded. */
function createUndecodedMerge(
  delta: Delta,
): (record: DeltaRecord, born: SeriesBorn | undefined) => MergedKeys | undefined {
  const others = createBinaryDeltaMerger(delta, HASH_SEED);
  const own = createColumnsMerger(delta);
  return ({ columns, binary, watermark }, born) => {
    if (columns !== undefined) return own.merge(columns, watermark, born);
    return binary === undefined ? undefined : others.merge(binary, watermark, born);
  };
}

/** What a record has changed: of each metric the keys of series, and coordinators. */
interface MergedKeys {
  readonly series: ReadonlyMap<string, Iterable<SeriesKey>>;
  readonly coordinators: Iterable<string>;
}

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
