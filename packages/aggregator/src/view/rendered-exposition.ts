import {
  EXPOSITION_ENDS,
  TextBytes,
  type Catalogue,
  type ExpositionFormat,
  type SeriesKey,
} from '@streamfold/core';
import type { Slices } from '../run/slices.ts';
import { createExposition, type Exposition } from './exposition.ts';
import { isAge } from './read-gauge.ts';
import { createRenderedFamily, type Shown } from './rendered-family.ts';
import { shareText } from './shared-bytes.ts';

/** One variant of the exposition, which follows the series. */
export interface RenderedExposition {
  /** The series must be rendered again. */
  mark(name: string, key: SeriesKey): void;
  /**
   * Renders the marked series, the first time all. Returns the same object as before if no byte is different. It is not lent.
   *
   * It takes several slices: the shown values must not change until it resolves.
   */
  render(slices: Slices): Promise<Exposition>;
}

/** Room for a page and the series that exceeds it; it grows if that is not enough. */
const OUT_BYTES = 128 * 1024;

export function createRenderedExposition(
  catalogue: Catalogue,
  format: ExpositionFormat,
  shown: Shown,
): RenderedExposition {
  const out = new TextBytes(OUT_BYTES);
  const families = catalogue.map((metric) => ({
    metric,
    family: createRenderedFamily({ metric, format, shown, out }),
  }));
  const byName = new Map(families.map(({ metric, family }) => [metric.name, family]));
  const end = EXPOSITION_ENDS[format] === '' ? [] : [shareText(EXPOSITION_ENDS[format])];
  let latest: { readonly exposition: Exposition; readonly version: number } | undefined;

  return {
    mark(name, key) {
      byName.get(name)?.mark(key);
    },
    async render(slices) {
      let version = 0;
      for (const { metric, family } of families) {
        if (latest === undefined) await family.renderAll(slices);
        else {
          if (isAge(metric)) for (const key of shown.keys(metric)) family.mark(key);
          await family.render(slices);
        }
        version += family.version;
      }
      if (latest?.version !== version) {
        const parts = [...families.flatMap(({ family }) => [...family.parts()]), ...end];
        latest = { exposition: createExposition(parts), version };
      }
      return latest.exposition;
    },
  };
}
