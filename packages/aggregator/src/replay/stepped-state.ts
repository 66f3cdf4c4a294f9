import {
  BytesFold,
  createCoordinatorGauges,
  describeColumns,
  emptyDelta,
  lastIdAt,
  mergeDelta,
  noUpcasters,
  pruneRegisters,
  readCoordinator,
  type Catalogue,
  type CoordinatorProjection,
  type Delta,
  type Metric,
  type SeriesKey,
  type SeriesValue,
} from '@streamfold/core';
import { PageFold } from '../fold/fold-page.ts';
import { HASH_SEED } from '../state/hash-seed.ts';
import { readGauge } from '../view/read-gauge.ts';

/** Called with the changes of a fold. */
export interface StepListener {
  /** The series appears for the first time. */
  born(name: string, key: SeriesKey): void;
  /** The series has another value, or no longer exists. */
  changed(name: string, key: SeriesKey): void;
}

/** The fold of the log up to a moment that advances. All shards are folded into one, as a scrape shows them. */
export interface SteppedState {
  /** The fold of the pages of each shard, which must come in the order of its log. */
  readonly pages: readonly PageFold[];
  /** Makes the entries folded since the last call visible, as of `nowMs`; none of them may be later. */
  settle(nowMs: number): void;
  value(metric: Metric, key: SeriesKey): SeriesValue | undefined;
  /** The current series of a gauge. */
  gaugeKeys(projection: CoordinatorProjection): Iterable<SeriesKey>;
  readonly entries: number;
  readonly deadLetters: number;
}

/** Nothing folded. Memory grows with the number of series and of live coordinators, not with the log. */
export function createSteppedState(
  { catalogue, shards }: { catalogue: Catalogue; shards: number },
  listener: StepListener,
): SteppedState {
  const state = emptyDelta();
  const gauges = createCoordinatorGauges((projection, key) => {
    for (const metric of catalogue) {
      if (metric.type === 'gauge' && metric.projection === projection) listener.changed(metric.name, key);
    }
  });
  let nowMs = 0;
  let deadLetters = 0;
  const folds = Array.from({ length: shards }, (_, shard) => {
    const context = { shard, shards, upcasters: noUpcasters };
    return new BytesFold({ catalogue, context, seed: HASH_SEED, onDeadLetter: () => deadLetters++ });
  });

  const merge = (fresh: Delta): void => {
    mergeDelta(state, fresh, listener.born);
    for (const [name, series] of fresh.series) for (const key of series.keys()) listener.changed(name, key);
    // A coordinator belongs to one shard, whose entries arrive in order: no tombstone is needed.
    const watermark = lastIdAt(nowMs);
    for (const key of fresh.coordinators.keys()) {
      const registers = state.coordinators.get(key);
      gauges.set(key, registers && readCoordinator(registers));
      if (registers && pruneRegisters(registers, watermark) === 'nothing_left')
        state.coordinators.delete(key);
    }
  };

  return {
    pages: folds.map((fold) => new PageFold(fold)),
    settle(atMs) {
      nowMs = atMs;
      for (const fold of folds) {
        if (fold.batch.entries === 0) continue;
        merge(describeColumns(fold.batch));
        fold.startAnew();
      }
    },
    value(metric, key) {
      if (metric.type === 'gauge') return readGauge({ gauges, serverTimeMs: nowMs }, metric, key);
      return state.series.get(metric.name)?.get(key);
    },
    gaugeKeys: (projection) =>
      projection === 'coordinators_alive' ? gauges.alive.keys() : gauges.openWaits.keys(),
    get entries() {
      return folds.reduce((sum, { batch }) => sum + batch.entries, state.totals.entries);
    },
    get deadLetters() {
      return deadLetters;
    },
  };
}
