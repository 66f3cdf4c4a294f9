import {
  countSeries,
  mergeHistogram,
  type Catalogue,
  type ExpositionFormat,
  type Metric,
  type SeriesKey,
  type SeriesValue,
} from '@streamfold/core';
import { askAll } from '@streamfold/redis';
import type { Generation } from '../state/generation.ts';
import type { DeltaRecord } from '../state/read-deltas.ts';
import { createOneAtATime } from '../run/one-at-a-time.ts';
import { createSlices } from '../run/slices.ts';
import { createTurns } from '../run/turns.ts';
import { lend, type Exposition } from './exposition.ts';
import { readGauge } from './read-gauge.ts';
import { createRenderedExposition, type RenderedExposition } from './rendered-exposition.ts';
import type { Shown } from './rendered-family.ts';
import type { ShardView, ViewListener } from './shard-view.ts';
import { createVariants } from './variants.ts';

/** The swarm's metrics: the views of all shards, added up. */
export interface SwarmMetrics {
  /**
   * The current exposition: reads the changes since the last time, and renders the changed series. Counters and
   * histograms that were born less than `zeroFirstSeconds` ago are shown as 0, if that is given. It is lent to the caller, who
   * gives it back.
   *
   * @throws {BusyError} if it would have to render too many variants from scratch.
   */
  scrape(format: ExpositionFormat, zeroFirstSeconds?: number): Promise<Exposition>;
  /** Reads the changes. */
  refresh(): Promise<void>;
  /**
   * Merges a record that this process has appended to a delta log, so that it need not be read. Resolves once the record is no
   * longer used; it is not merged if many others wait already, or if it does not follow the last one merged.
   */
  mergeOwn({ id, shard }: Pick<Generation, 'id' | 'shard'>, record: DeltaRecord): Promise<void>;
  /** Reads the changes, and writes a snapshot if one is due. */
  follow(): Promise<void>;
  /** True once every shard has been loaded. */
  readonly loaded: boolean;
  /** Number of series that are shown individually. */
  readonly series: number;
  /** For each counter and histogram, the number of series shown as one. */
  readonly foldedTogether: ReadonlyMap<string, number>;
}

/**
 * The metrics of one catalogue.
 *
 * The views change only while they are refreshed, and no refresh runs while an exposition is rendered: a rendering takes
 * several slices, and shows each shard at one position of its delta log.
 *
 * @param createView returns the view of each shard, which reports changed series to the listener.
 * @param now monotonic clock, ms.
 */
export function createSwarmMetrics(
  catalogue: Catalogue,
  createView: (listener: ViewListener) => readonly ShardView[],
  now: () => number,
): SwarmMetrics {
  const expositions = createVariants<RenderedExposition>(now);
  const views = createView({
    changed(name, key) {
      for (const exposition of expositions.values()) exposition.mark(name, key);
    },
    replaced() {
      expositions.clear();
    },
  });
  const alone = createOneAtATime();
  /** Own records that wait for a refresh or a rendering to end. */
  let waiting = 0;
  const refreshViews = async (): Promise<void> => {
    await askAll(views, (view) => view.refresh());
  };
  const refresh = createTurns(() => alone(refreshViews));

  const render = async (format: ExpositionFormat, zeroFirstSeconds: number): Promise<Exposition> => {
    const name = `${format} ${zeroFirstSeconds}`;
    let isNew = false;
    const exposition = expositions.take(name, () => {
      isNew = true;
      return createRenderedExposition(catalogue, format, show(views, zeroFirstSeconds));
    });
    const slices = createSlices(now);
    try {
      return lend(await exposition.render(slices));
    } catch (error) {
      expositions.forget(name); // it may be half rendered
      throw error;
    } finally {
      if (isNew) expositions.charge(slices.spentMs);
    }
  };

  return {
    scrape: (format, zeroFirstSeconds = 0) =>
      alone(async () => {
        await refreshViews();
        for (const view of views) view.settle(); // reports the changed series: a rendering begins with those
        return render(format, zeroFirstSeconds);
      }),
    refresh,
    async mergeOwn({ shard }, record) {
      const view = views.find((each) => each.shard === shard);
      if (view === undefined || waiting >= MOST_WAITING) return;
      waiting++;
      await alone(async () => view.mergeOwn(record)).finally(() => waiting--);
    },
    async follow() {
      await refresh();
      for (const view of views) await view.writeSnapshotWhenDue();
    },
    get loaded() {
      return views.every((view) => view.loaded);
    },
    get foldedTogether() {
      const counts = new Map<string, number>();
      for (const { type, name } of catalogue) {
        if (type === 'gauge') continue;
        counts.set(name, 0);
        for (const view of views)
          if (view.loaded) counts.set(name, (counts.get(name) ?? 0) + view.bound.countTogether(name));
      }
      return counts;
    },
    get series() {
      return views.reduce((count, view) => count + (view.loaded ? countSeries(view.state) : 0), 0);
    },
  };
}

/**
 * Their columns take memory, so those of later ones are not kept. After such a gap, all records until the next refresh are read from
 * the log: a refresh of a busy process takes as long as some ten commits.
 */
const MOST_WAITING = 32;

/** The values that an exposition shows. */
function show(views: readonly ShardView[], zeroFirstSeconds: number): Shown {
  const ageMs = zeroFirstSeconds * 1_000;
  return {
    *keys(metric) {
      for (const view of views) yield* keysOf(view, metric);
    },
    count: ({ name }) =>
      views.reduce((count, view) => count + (view.loaded ? (view.state.series.get(name)?.size ?? 0) : 0), 0),
    value: (metric, key) => addUp(views, metric, key),
    asZero: (metric, key) =>
      ageMs > 0 && metric.type !== 'gauge' && views.every((view) => isYounger(view, metric, { key, ageMs })),
  };
}

function keysOf(view: ShardView, metric: Metric): Iterable<string> {
  if (metric.type !== 'gauge') return view.bound.keys(metric.name);
  return metric.projection === 'coordinators_alive' ? view.gauges.alive.keys() : view.gauges.openWaits.keys();
}

/** True if a shard does not hold the series, or has held it for less than `ageMs`. */
function isYounger(
  view: ShardView,
  { name }: Metric,
  { key, ageMs }: { key: string; ageMs: number },
): boolean {
  const bornMs = view.births.bornMs(name, view.bound.oldest(name, key));
  if (bornMs === undefined) return view.bound.value(name, key) === undefined;
  const hasAgeMs = view.serverTimeMs - bornMs;
  return hasAgeMs >= 0 && hasAgeMs < ageMs; // born later than now: the clock was ahead then
}

/** A series whose labels do not name the swarm may have events in several shards. */
function addUp(views: readonly ShardView[], metric: Metric, key: SeriesKey): SeriesValue | undefined {
  let total: SeriesValue | undefined;
  for (const view of views) {
    const value = metric.type === 'gauge' ? readGauge(view, metric, key) : view.bound.value(metric.name, key);
    if (value === undefined) continue;
    if (total === undefined) total = value;
    else if (typeof total === 'number' || typeof value === 'number') total = Number(total) + Number(value);
    else {
      const sum = { sumMicros: total.sumMicros, buckets: [...total.buckets] };
      mergeHistogram(sum, value);
      total = sum;
    }
  }
  return total;
}
