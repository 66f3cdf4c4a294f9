import { CATALOGUE, emptyDelta, mergeDelta, type Delta } from '@streamfold/core';
import { createSeriesBound } from '@streamfold/aggregator/round-trips';
import * as fc from 'fast-check';
import { test } from '../harness/ava.ts';

const METRIC = CATALOGUE.find(({ type }) => type === 'counter');
const NAME = METRIC?.name ?? '';
const LABELS = METRIC?.labels.length ?? 0;
const OTHER = Array<string>(LABELS).fill('other').join('|');

/** Counts of a few series; one has the name under which surplus series are shown as one. */
const series = fc.integer({ min: 0, max: 12 }).map((at) => (at === 0 ? OTHER : `s${at}`));
const counts = fc.array(fc.tuple(series, fc.integer({ min: 1, max: 9 })), { minLength: 1, maxLength: 4 });
const limit = fc.integer({ min: 1, max: 6 });

function deltaOf(added: readonly (readonly [string, number])[]): Delta {
  const delta = emptyDelta();
  delta.series.set(NAME, new Map(added));
  return delta;
}

function listShown(bound: ReturnType<typeof createSeriesBound>): Map<string, number> {
  return new Map([...bound.keys(NAME)].map((key) => [key, Number(bound.value(NAME, key))]));
}

function sum(values: Iterable<unknown>): number {
  let total = 0;
  for (const value of values) total += Number(value);
  return total;
}

test('under any limit the series shown add up to the state, and none of them falls or vanishes', (t) => {
  const property = fc.property(limit, fc.array(counts, { maxLength: 15 }), (most, deltas) => {
    const state = emptyDelta();
    const bound = createSeriesBound(state, { catalogue: CATALOGUE, limit: most });
    let before = new Map<string, number>();
    for (const added of deltas) {
      const delta = deltaOf(added);
      mergeDelta(state, delta);
      bound.merged(delta);
      const shown = listShown(bound);
      t.is(sum(shown.values()), sum(state.series.get(NAME)?.values() ?? []));
      for (const [key, value] of before) t.true((shown.get(key) ?? -1) >= value, `${key} of ${value}`);
      t.true(shown.size <= most + 1);
      for (const [key] of added) t.true(shown.has(bound.shownAs(NAME, key)));
      before = shown;
    }
    // An aggregator that starts from a snapshot shows the same.
    const started = createSeriesBound(state, { catalogue: CATALOGUE, limit: most });
    t.deepEqual(listShown(started), before);
    t.is(started.countTogether(NAME), bound.countTogether(NAME));
    t.is(started.oldest(NAME, OTHER), bound.oldest(NAME, OTHER));
  });
  fc.assert(property, { numRuns: 300, seed: 52 });
});

test('without a limit each series is shown as itself', (t) => {
  const state = deltaOf([
    ['a', 1],
    ['b', 2],
  ]);
  const bound = createSeriesBound(state, { catalogue: CATALOGUE, limit: 0 });
  bound.merged(state);
  t.deepEqual([...listShown(bound)], [...(state.series.get(NAME) ?? [])]);
  t.is(bound.countTogether(NAME), 0);
});
