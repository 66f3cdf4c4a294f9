import type { LogEntry } from '@streamfold/archive';
import {
  createCoordinatorGauges,
  createEntryFold,
  createFold,
  emptyDelta,
  lastIdAt,
  mergeDelta,
  noUpcasters,
  pruneRegisters,
  readCoordinator,
  type Catalogue,
  type CoordinatorProjection,
  type Metric,
  type SeriesKey,
  type SeriesValue,
} from '@streamfold/core';
import { readGauge } from '../view/read-gauge.ts';

/** Called with what a fold has changed. */
export interface StepListener {
  /** The series is there for the first time. */
  born(name: string, key: SeriesKey): void;
  /** The series has another value, or is there no longer. */
  changed(name: string, key: SeriesKey): void;
}

/** The fold of the log up to a moment that advances. All shards are folded into one, as a scrape shows them. */
export interface SteppedState {
  /** Folds an entry. Entries of one shard must come in the order of the log. */
  fold(shard: number, entry: LogEntry): void;
  /** What was folded since the last time becomes visible, as of `nowMs`, which no entry of it is later than. */
  settle(nowMs: number): void;
  value(metric: Metric, key: SeriesKey): SeriesValue | undefined;
  /** Series of a gauge that are there now. */
  gaugeKeys(projection: CoordinatorProjection): Iterable<SeriesKey>;
  readonly entries: number;
  readonly deadLetters: number;
}

/** Nothing folded. What it holds grows with the number of series and of coordinators alive, not with the log. */
export function createSteppedState(
  { catalogue, shards }: { catalogue: Catalogue; shards: number },
  listener: StepListener,
): SteppedState {
  const foldEvent = createFold(catalogue);
  const state = emptyDelta();
  const gauges = createCoordinatorGauges((projection, key) => {
    for (const metric of catalogue) {
      if (metric.type === 'gauge' && metric.projection === projection) listener.changed(metric.name, key);
    }
  });
  let fresh = emptyDelta();
  let nowMs = 0;
  let deadLetters = 0;
  const folds = Array.from({ length: shards }, (_, shard) =>
    createEntryFold(foldEvent, { shard, shards, upcasters: noUpcasters }, () => deadLetters++),
  );

  return {
    fold(shard, { id, fields }) {
      folds[shard]?.(fresh, id, fields);
    },
    settle(atMs) {
      nowMs = atMs;
      mergeDelta(state, fresh, listener.born);
      for (const [name, series] of fresh.series) for (const key of series.keys()) listener.changed(name, key);
      // A coordinator is of one shard, whose entries come in their order: no tombstone is needed.
      const watermark = lastIdAt(atMs);
      for (const key of fresh.coordinators.keys()) {
        const registers = state.coordinators.get(key);
        gauges.set(key, registers && readCoordinator(registers));
        if (registers && pruneRegisters(registers, watermark) === 'nothing_left')
          state.coordinators.delete(key);
      }
      fresh = emptyDelta();
    },
    value(metric, key) {
      if (metric.type === 'gauge') return readGauge({ gauges, serverTimeMs: nowMs }, metric, key);
      return state.series.get(metric.name)?.get(key);
    },
    gaugeKeys: (projection) =>
      projection === 'coordinators_alive' ? gauges.alive.keys() : gauges.openWaits.keys(),
    get entries() {
      return state.totals.entries + fresh.totals.entries;
    },
    get deadLetters() {
      return deadLetters;
    },
  };
}
