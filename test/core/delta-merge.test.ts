import { emptyDelta, mergeDelta, type CoordinatorRegisters, type Delta } from '@streamfold/core';
import * as fc from 'fast-check';
import { test } from '../harness/ava.ts';
import { anyDelta } from './any-delta.ts';
import { toComparable } from './comparable-delta.ts';

function merge(...deltas: readonly Delta[]): Delta {
  const merged = emptyDelta();
  for (const delta of deltas) mergeDelta(merged, delta);
  return merged;
}

test('merging is associative', (t) => {
  fc.assert(
    fc.property(anyDelta, anyDelta, anyDelta, (a, b, c) => {
      t.deepEqual(toComparable(merge(merge(a, b), c)), toComparable(merge(a, merge(b, c))));
    }),
    { numRuns: 200, seed: 21 },
  );
});

test('merging is commutative', (t) => {
  fc.assert(
    fc.property(anyDelta, anyDelta, (a, b) => {
      t.deepEqual(toComparable(merge(a, b)), toComparable(merge(b, a)));
    }),
    { numRuns: 200, seed: 22 },
  );
});

test('a delta that adds nothing is the identity, on either side', (t) => {
  fc.assert(
    fc.property(anyDelta, (delta) => {
      t.deepEqual(toComparable(merge(emptyDelta(), delta)), toComparable(delta));
      t.deepEqual(toComparable(merge(delta, emptyDelta())), toComparable(delta));
    }),
    { numRuns: 200, seed: 23 },
  );
});

test('a merged delta stays unchanged, and shares nothing with the one it was merged into', (t) => {
  fc.assert(
    fc.property(anyDelta, anyDelta, (a, b) => {
      const [aBefore, bBefore] = [toComparable(a), toComparable(b)];
      const into = merge(a, b);
      const merged = toComparable(into);
      mergeDelta(into, a);
      mergeDelta(into, b);
      for (const series of into.series.values()) {
        for (const value of series.values()) if (typeof value === 'object') value.buckets.fill(-1);
      }
      for (const registers of into.coordinators.values()) scribble(registers);
      t.deepEqual(toComparable(a), aBefore);
      t.deepEqual(toComparable(b), bBefore);
      t.deepEqual(toComparable(merge(a, b)), merged);
    }),
    { numRuns: 150, seed: 24 },
  );
});

function scribble(registers: CoordinatorRegisters): void {
  registers.phase = 'scribbled';
  for (const wait of registers.waits.values()) wait.opened = '0-1';
  registers.waits.clear();
}

test('sums stay exact far beyond what a float can hold', (t) => {
  const yearMicros = 31_536_000_000_000;
  const histogram = { sumMicros: yearMicros, buckets: [0, 1] };
  const delta: Delta = { ...emptyDelta(), series: new Map([['m', new Map([['k', histogram]])]]) };
  const state = emptyDelta();
  for (let times = 0; times < 100_000; times++) mergeDelta(state, delta);
  mergeDelta(state, {
    ...emptyDelta(),
    series: new Map([['m', new Map([['k', { sumMicros: 1, buckets: [1, 0] }]])]]),
  });
  t.deepEqual(state.series.get('m')?.get('k'), {
    sumMicros: 3_153_600_000_000_000_001n,
    buckets: [1, 100_000],
  });
});
