import { emptyDelta, mergeDelta, pruneTombstones, type Delta } from '@streamfold/core';
import * as fc from 'fast-check';
import { test } from '../harness/ava.ts';
import { createRandom, generateEvents } from '../harness/generate-events.ts';
import { foldReference } from '../harness/reference-fold.ts';
import { parseSamples, withoutAges } from '../harness/scrape.ts';
import { toComparable } from './comparable-delta.ts';
import { exposeState } from './expose-state.ts';
import { foldEntries, placeEvents, type PublishedEntry } from './fold-published.ts';

interface Commit {
  readonly entries: readonly PublishedEntry[];
  readonly delta: Delta;
}

const scenario = fc.record({
  seed: fc.nat(),
  events: fc.integer({ min: 1, max: 250 }),
  coordinators: fc.integer({ min: 1, max: 4 }),
});

function generateEntries({
  seed,
  events,
  coordinators,
}: {
  seed: number;
  events: number;
  coordinators: number;
}): {
  entries: PublishedEntry[];
  below: (n: number) => number;
} {
  const random = createRandom(seed ^ 0x5eed);
  const below = (n: number): number => Math.floor(random() * n);
  const entries = placeEvents(generateEvents(events, { seed, coordinators, bad: true }), below);
  return { entries, below };
}

/** Two consumers that each read what comes next, and commit in any order, in batches of any size. */
function commitInterleaved(entries: readonly PublishedEntry[], below: (n: number) => number): Commit[] {
  const batches: PublishedEntry[][] = [[], []];
  const commits: Commit[] = [];
  const commit = (consumer: number): void => {
    const batch = batches[consumer] ?? [];
    batches[consumer] = [];
    if (batch.length > 0) commits.push({ entries: batch, delta: foldEntries(batch) });
  };
  for (const entry of entries) {
    batches[below(2)]?.push(entry);
    if (below(6) === 0) commit(below(2));
  }
  const first = below(2);
  commit(first);
  commit(1 - first);
  return commits;
}

function shuffle<T>(items: readonly T[], below: (n: number) => number): T[] {
  const drawn = items.map((item) => ({ item, lot: below(2 ** 30) }));
  return drawn.toSorted((a, b) => a.lot - b.lot).map(({ item }) => item);
}

/** The last entry in `order` up to which all are committed. */
function watermarkOf(order: readonly PublishedEntry[], committed: ReadonlySet<string>): string {
  let watermark = '';
  for (const { id } of order) {
    if (!committed.has(id)) break;
    watermark = id;
  }
  return watermark;
}

test('two consumers that commit in any order and any batches reach the same state as one by one', (t) => {
  fc.assert(
    fc.property(scenario, (given) => {
      const { entries, below } = generateEntries(given);
      const sequential = foldEntries(entries);
      const merged = emptyDelta();
      for (const { delta } of shuffle(commitInterleaved(entries, below), below)) mergeDelta(merged, delta);
      t.is(exposeState(merged), exposeState(sequential));
      t.deepEqual(toComparable(merged), toComparable(sequential));
    }),
    { numRuns: 120, seed: 11 },
  );
});

test('a fold shows the same as the independent reference, gauges included', (t) => {
  fc.assert(
    fc.property(scenario, (given) => {
      const { entries } = generateEntries(given);
      const expected = foldReference(entries.flatMap(({ events }) => events.map((fields) => ({ fields }))));
      t.deepEqual(sorted(withoutAges(parseSamples(exposeState(foldEntries(entries))))), sorted(expected));
    }),
    { numRuns: 150, seed: 12 },
  );
});

test('forgetting tombstones up to the watermark changes no metric, now or later', (t) => {
  let forgotten = 0;
  fc.assert(
    fc.property(scenario, (given) => {
      const { entries, below } = generateEntries(given);
      const [kept, pruned] = [emptyDelta(), emptyDelta()];
      const committed = new Set<string>();
      for (const { entries: batch, delta } of commitInterleaved(entries, below)) {
        for (const { id } of batch) committed.add(id);
        delta.watermark = below(2) === 0 ? watermarkOf(entries, committed) : '';
        mergeDelta(kept, delta);
        mergeDelta(pruned, delta);
        if (below(3) > 0) pruneTombstones(pruned);
        t.is(exposeState(pruned, 'text', 1_000_000), exposeState(kept, 'text', 1_000_000));
      }
      pruneTombstones(pruned);
      forgotten += kept.coordinators.size - pruned.coordinators.size;
    }),
    { numRuns: 150, seed: 13 },
  );
  t.true(forgotten > 50, `coordinators forgotten: ${forgotten}`);
});

test('once everything is folded nothing is left of ended coordinators and closed waits', (t) => {
  const { entries } = generateEntries({ seed: 3, events: 2_000, coordinators: 10 });
  const state = foldEntries(entries);
  state.watermark = entries.at(-1)?.id ?? '';
  pruneTombstones(state);
  const samples = parseSamples(exposeState(state));
  const total = (metric: string): number =>
    [...samples].reduce((sum, [name, value]) => sum + (name.startsWith(metric) ? Number(value) : 0), 0);
  t.is(state.coordinators.size, total('blocking_coordinators_total{'));
  const waits = [...state.coordinators.values()].reduce((sum, registers) => sum + registers.waits.size, 0);
  t.is(waits, total('blocking_waits{'));
});

function sorted(samples: ReadonlyMap<string, string>): [string, string][] {
  return [...samples].toSorted(([a], [b]) => (a < b ? -1 : 1));
}
