import {
  countSeries,
  EXPOSITION_ENDS,
  mergeHistogram,
  type Catalogue,
  type ExpositionFormat,
  type Metric,
  type SeriesValue,
} from '@streamfold/core';
import { askAll } from '@streamfold/redis';
import { createTurns } from '../run/turns.ts';
import { isAge, readGauge } from './read-gauge.ts';
import { createRenderedFamily, type RenderedFamily, type Shown } from './rendered-family.ts';
import type { ShardView, ViewListener } from './shard-view.ts';
import { createVariants } from './variants.ts';

/** The swarm's metrics: the views of all shards, added up. */
export interface SwarmMetrics {
  /**
   * The current exposition: reads the changes since the last time, and renders the changed series. Counters and
   * histograms that were born less than `zeroFirstSeconds` ago are shown as 0, if that is given.
   *
   * @throws {BusyError} if it would have to render too many variants from scratch.
   */
  scrape(format: ExpositionFormat, zeroFirstSeconds?: number): Promise<string>;
  /** Reads the changes. */
  refresh(): Promise<void>;
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
 * @param createView returns the view of each shard, which reports changed series to the listener.
 * @param now monotonic clock, ms.
 */
export function createSwarmMetrics(
  catalogue: Catalogue,
  createView: (listener: ViewListener) => readonly ShardView[],
  now: () => number,
): SwarmMetrics {
  /** Rendered families by metric name, of each variant. */
  const expositions = createVariants<ReadonlyMap<string, RenderedFamily>>(now);
  const views = createView({
    changed(name, key) {
      for (const families of expositions.values()) families.get(name)?.mark(key);
    },
    replaced() {
      expositions.clear();
    },
  });
  const readAll = createTurns(async () => {
    await askAll(views, (view) => view.refresh());
  });

  const renderAnew = (format: ExpositionFormat, shown: Shown): ReadonlyMap<string, RenderedFamily> => {
    const families = new Map(catalogue.map((metric) => [metric.name, createRenderedFamily(metric, format)]));
    for (const metric of catalogue) {
      const family = families.get(metric.name);
      for (const view of views) for (const key of keysOf(view, metric)) family?.mark(key);
      family?.render(shown);
    }
    return families;
  };

  return {
    async scrape(format, zeroFirstSeconds = 0) {
      await readAll();
      const shown = {
        value: (metric: Metric, key: string) => addUp(views, metric, key),
        asZero: (metric: Metric, key: string) =>
          zeroFirstSeconds > 0 &&
          metric.type !== 'gauge' &&
          views.every((view) => isYounger(view, metric, { key, ageMs: zeroFirstSeconds * 1_000 })),
      };
      const families = expositions.take(`${format} ${zeroFirstSeconds}`, () => renderAnew(format, shown));
      let text = '';
      for (const metric of catalogue) {
        const family = families.get(metric.name);
        if (family === undefined) continue;
        if (isAge(metric)) for (const view of views) for (const key of keysOf(view, metric)) family.mark(key);
        text += family.render(shown);
      }
      return text + EXPOSITION_ENDS[format];
    },
    refresh: readAll,
    async follow() {
      await readAll();
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
function addUp(views: readonly ShardView[], metric: Metric, key: string): SeriesValue | undefined {
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
