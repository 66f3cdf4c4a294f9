import {
  createSeriesWriter,
  renderHead,
  type ExpositionFormat,
  type Metric,
  type SeriesKey,
  type SeriesValue,
  type TextBytes,
} from '@streamfold/core';
import type { Slices } from '../run/slices.ts';
import { createChangedKeys } from './changed-keys.ts';
import { createFamilyPages } from './family-pages.ts';
import { shareText, type SharedBytes } from './shared-bytes.ts';

/** The values to show for the series of a metric. They must not change while a family is rendered. */
export interface Shown {
  /** The keys of all series; one may come more than once. */
  keys(metric: Metric): Iterable<SeriesKey>;
  /** Number of series, roughly. */
  count(metric: Metric): number;
  /** The current value of a series; `undefined` if there is no such series, or no longer. */
  value(metric: Metric, key: SeriesKey): SeriesValue | undefined;
  /** True if a series is so young that it is still shown as 0. */
  asZero(metric: Metric, key: SeriesKey): boolean;
}

/** The bytes of one metric family, which follow the values of its series. */
export interface RenderedFamily {
  /** The series `key` must be rendered again. */
  mark(key: SeriesKey): void;
  /** Renders the marked series, and those that are no longer young. */
  render(slices: Slices): Promise<void>;
  /** Renders every series. */
  renderAll(slices: Slices): Promise<void>;
  /** HELP, TYPE and all series. */
  parts(): Iterable<SharedBytes>;
  /** Changes whenever the bytes change. */
  readonly version: number;
}

export interface FamilyOptions {
  readonly metric: Metric;
  readonly format: ExpositionFormat;
  readonly shown: Shown;
  /** Used while a page is written. */
  readonly out: TextBytes;
}

/** Writing a page counts as this number of steps: it has dozens or hundreds of series. */
const STEPS_PER_PAGE = 64;

export function createRenderedFamily({ metric, format, shown, out }: FamilyOptions): RenderedFamily {
  const head = shareText(renderHead(metric, format));
  const writeSeries = createSeriesWriter(metric, format);
  const zero: SeriesValue = metric.type === 'histogram' ? { sumMicros: 0, buckets: [] } : 0;
  // Single gauges vanish. Counters and histograms do not, so "all" misses none of them.
  const marked = createChangedKeys(metric.type === 'gauge' ? undefined : () => shown.count(metric));
  /** Series that are shown as 0 because they are young. */
  const zeros = new Set<SeriesKey>();

  const write = (key: SeriesKey, into: TextBytes): boolean => {
    const value = shown.value(metric, key);
    const asZero = value !== undefined && shown.asZero(metric, key);
    if (asZero) zeros.add(key);
    else if (zeros.size > 0) zeros.delete(key);
    if (value === undefined) return false;
    writeSeries(key, asZero ? zero : value, into);
    return true;
  };
  const has = (key: SeriesKey): boolean => shown.value(metric, key) !== undefined;
  const pages = createFamilyPages({ has, write }, out);

  const update = async (keys: Iterable<SeriesKey>, slices: Slices): Promise<void> => {
    for (const key of keys) {
      pages.update(key);
      if (slices.isOver(1)) await slices.next();
    }
  };

  const settle = async (slices: Slices): Promise<void> => {
    const steps = pages.settle();
    while (steps.next().done !== true) if (slices.isOver(STEPS_PER_PAGE)) await slices.next();
  };

  return {
    mark: marked.add,
    async render(slices) {
      const keys = marked.take();
      await update(keys === 'all' ? shown.keys(metric) : keys, slices);
      for (const key of zeros) {
        if (!shown.asZero(metric, key)) pages.update(key);
        if (slices.isOver(1)) await slices.next();
      }
      await settle(slices);
    },
    async renderAll(slices) {
      marked.take();
      await update(shown.keys(metric), slices);
      await settle(slices);
    },
    *parts() {
      yield head;
      yield* pages.parts();
    },
    get version() {
      return pages.version;
    },
  };
}
