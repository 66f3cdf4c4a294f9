import {
  createSeriesRenderer,
  renderHead,
  type ExpositionFormat,
  type Metric,
  type SeriesValue,
} from '@streamfold/core';
import { createSortedPages } from './sorted-pages.ts';

/** The current value of a series; `undefined` where there is no such series (any more). */
type LookUp = (metric: Metric, key: string) => SeriesValue | undefined;

/** The text of one metric family, which follows the values of its series. */
export interface RenderedFamily {
  /** The series `key` must be rendered again. */
  mark(key: string): void;
  /** Renders what was marked, and gives the text of the whole family. */
  render(lookUp: LookUp): string;
}

export function createRenderedFamily(metric: Metric, format: ExpositionFormat): RenderedFamily {
  const head = renderHead(metric, format);
  const renderSeries = createSeriesRenderer(metric, format);
  const pages = createSortedPages();
  const marked = new Set<string>();
  let text: string | undefined;
  return {
    mark(key) {
      marked.add(key);
      text = undefined;
    },
    render(lookUp) {
      for (const key of marked) {
        const value = lookUp(metric, key);
        if (value === undefined) pages.delete(key);
        else pages.set(key, renderSeries(key, value));
      }
      marked.clear();
      return (text ??= head + pages.join());
    },
  };
}
