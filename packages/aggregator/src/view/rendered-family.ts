import {
  createSeriesRenderer,
  renderHead,
  type ExpositionFormat,
  type Metric,
  type SeriesValue,
} from '@streamfold/core';
import { createSortedPages } from './sorted-pages.ts';

/** The values to show for the series of a metric. */
export interface Shown {
  /** The current value of a series; `undefined` if there is no such series, or no longer. */
  value(metric: Metric, key: string): SeriesValue | undefined;
  /** True if a series is so young that it is still shown as 0. */
  asZero(metric: Metric, key: string): boolean;
}

/** The text of one metric family, which follows the values of its series. */
export interface RenderedFamily {
  /** The series `key` must be rendered again. */
  mark(key: string): void;
  /** Renders the marked series, and returns the text of the whole family. Series that are no longer young are marked automatically. */
  render(shown: Shown): string;
}

export function createRenderedFamily(metric: Metric, format: ExpositionFormat): RenderedFamily {
  const head = renderHead(metric, format);
  const renderSeries = createSeriesRenderer(metric, format);
  const pages = createSortedPages();
  const zero: SeriesValue = metric.type === 'histogram' ? { sumMicros: 0, buckets: [] } : 0;
  const marked = new Set<string>();
  /** Series that are shown as 0 because they are young. */
  const zeros = new Set<string>();
  let text: string | undefined;
  return {
    mark(key) {
      marked.add(key);
    },
    render(shown) {
      for (const key of zeros) if (!shown.asZero(metric, key)) marked.add(key);
      if (marked.size > 0) text = undefined;
      for (const key of marked) {
        const value = shown.value(metric, key);
        const asZero = value !== undefined && shown.asZero(metric, key);
        if (value === undefined) pages.delete(key);
        else pages.set(key, renderSeries(key, asZero ? zero : value));
        if (asZero) zeros.add(key);
        else zeros.delete(key);
      }
      marked.clear();
      return (text ??= head + pages.join());
    },
  };
}
