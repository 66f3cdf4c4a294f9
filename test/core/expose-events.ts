import {
  createEntryFold,
  createFold,
  createSeriesRenderer,
  emptyDelta,
  noUpcasters,
  type Catalogue,
} from '@streamfold/core';
import { parseSamples, type Samples } from '../harness/scrape.ts';

const context = { shard: 0, shards: 1, upcasters: noUpcasters };

/** The samples of the counters and histograms of a catalogue, for events that are each their own entry. */
export function exposeEvents(
  catalogue: Catalogue,
  events: readonly Readonly<Record<string, string>>[],
): Samples {
  const foldEntry = createEntryFold(createFold(catalogue), context, ({ detail }) => {
    throw new Error(detail);
  });
  const delta = emptyDelta();
  for (const [at, fields] of events.entries()) {
    foldEntry(delta, `${at + 1}-0`, Object.entries(fields).flat());
  }
  let text = '';
  for (const metric of catalogue) {
    const render = createSeriesRenderer(metric, 'text');
    for (const [key, value] of delta.series.get(metric.name) ?? []) text += render(key, value);
  }
  return parseSamples(text);
}
