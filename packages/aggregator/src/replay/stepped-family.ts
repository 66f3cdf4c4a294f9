import { createSeriesRenderer, type Metric, type SeriesKey, type SeriesValue } from '@streamfold/core';
import { createSortedPages } from './sorted-pages.ts';

/** The samples of one metric family, step by step: OpenMetrics with timestamps. */
export interface SteppedFamily {
  /** The series appears for the first time. */
  born(key: SeriesKey): void;
  /** The series must be rendered again. */
  mark(key: SeriesKey): void;
  /**
   * The samples of the step at `atSeconds`, in texts of bounded size. A counter or a histogram that is new since the
   * previous step, at `beforeSeconds`, starts there with 0, so that `rate()` counts its first event.
   */
  render(step: Step): Iterable<string>;
  /** Samples rendered so far. */
  readonly samples: number;
}

/** Labels that every series gets, as Prometheus adds them to scraped series: `job`. Values are not escaped. */
export type TargetLabels = ReadonlyMap<string, string>;

interface Step {
  readonly atSeconds: number;
  /** `undefined` at the first step. */
  readonly beforeSeconds: number | undefined;
  readonly value: (metric: Metric, key: SeriesKey) => SeriesValue | undefined;
}

/**
 * A gauge that ends, because its coordinators have ended, gets one 0 at the next step and then no more samples: the text
 * format has no other way to end it, and without the 0 the last value would remain for five more minutes.
 */
export function createSteppedFamily(metric: Metric, labels: TargetLabels): SteppedFamily {
  const renderOwn = createSeriesRenderer(metric, 'openmetrics');
  const target = [...labels].map(([name, value]) => `${name}="${value}"`).join(',');
  const renderSeries = (key: SeriesKey, value: SeriesValue): string => {
    const text = renderOwn(key, value);
    if (target === '') return text;
    return text.replace(NAME, (_, name: string, brace: string) =>
      brace === '' ? `${name}{${target}}` : `${name}{${target},`,
    );
  };
  const zero: SeriesValue = metric.type === 'histogram' ? { sumMicros: 0, buckets: [] } : 0;
  const samplesPerSeries = metric.type === 'histogram' ? metric.buckets.length + SAMPLES_BESIDE_BUCKETS : 1;
  const pages = createSortedPages();
  const marked = new Set<SeriesKey>();
  const newborn = new Set<SeriesKey>();
  /** Shown as 0 once, and then removed. */
  const ending = new Set<SeriesKey>();
  let samples = 0;

  return {
    born(key) {
      newborn.add(key);
    },
    mark(key) {
      marked.add(key);
    },
    *render({ atSeconds, beforeSeconds, value }) {
      for (const key of ending) if (!marked.has(key)) pages.delete(key);
      ending.clear();
      for (const key of marked) {
        const current = value(metric, key);
        if (current !== undefined) pages.set(key, renderSeries(key, current));
        else if (pages.has(key)) {
          pages.set(key, renderSeries(key, zero));
          ending.add(key);
        }
      }
      marked.clear();
      if (beforeSeconds !== undefined) {
        samples += newborn.size * samplesPerSeries;
        for (const key of [...newborn].toSorted()) yield stamp(renderSeries(key, zero), beforeSeconds);
      }
      newborn.clear();
      samples += pages.size * samplesPerSeries;
      for (const text of pages.texts()) yield stamp(text, atSeconds);
    },
    get samples() {
      return samples;
    },
  };
}

/** The name in each line, and the brace after it if there are labels. */
const NAME = /^(\w+)(\{?)/gm;

/** `+Inf`, sum and count. */
const SAMPLES_BESIDE_BUCKETS = 3;

/** Each line with a timestamp. A label value has no line break: it is escaped. */
function stamp(text: string, seconds: number): string {
  return text.replaceAll('\n', ` ${seconds}\n`);
}
