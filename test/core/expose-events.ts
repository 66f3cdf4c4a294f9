import {
  createFold,
  createSeriesRenderer,
  decodeEntry,
  emptyDelta,
  noUpcasters,
  type Catalogue,
} from '@streamfold/core';
import { parseSamples, type Samples } from '../harness/scrape.ts';

/** The samples of the counters and histograms of a catalogue, of events that are entries of their own. */
export function exposeEvents(
  catalogue: Catalogue,
  events: readonly Readonly<Record<string, string>>[],
): Samples {
  const fold = createFold(catalogue);
  const delta = emptyDelta();
  for (const [at, fields] of events.entries()) {
    decodeEntry(
      Object.entries(fields).flat(),
      { shard: 0, shards: 1, upcasters: noUpcasters },
      {
        event: (event, index) => fold(delta, event, `${at + 1}-0`, index),
        deadLetter: ({ detail }) => {
          throw new Error(detail);
        },
      },
    );
  }
  let text = '';
  for (const metric of catalogue) {
    const render = createSeriesRenderer(metric, 'text');
    for (const [key, value] of delta.series.get(metric.name) ?? []) text += render(key, value);
  }
  return parseSamples(text);
}
