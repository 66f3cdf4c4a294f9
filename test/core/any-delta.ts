import type { CoordinatorRegisters, DeadLetterReason, Delta, SeriesValue } from '@streamfold/core';
import * as fc from 'fast-check';
import { createRandom, generateEvents } from '../harness/generate-events.ts';
import { foldEntries, placeEvents } from './fold-published.ts';

/** Stamps whose order is not that of their texts, with the 64-bit extremes; few, so that equal ones occur. */
const anyStamp = fc.constantFrom(
  '',
  '0-1',
  '9-0',
  '9-9',
  '9-10',
  '10-0',
  '10-0-1',
  '10-0-2',
  '10-0-10',
  '100-1',
  '99-18446744073709551615',
  '18446744073709551615-0',
  '18446744073709551615-18446744073709551615',
  '1999999999999-3',
  '2000000000000-0',
);

const count = fc.integer({ min: 0, max: 1_000_000 });
const histogram = fc.record({
  sumMicros: fc
    .bigInt({ min: 0n, max: 2n ** 80n })
    .map((sum) => (sum <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(sum) : sum)),
  buckets: fc.array(count, { minLength: 3, maxLength: 3 }),
});
const keys = fc.constantFrom('a', 'a|b', 'b|a', 's|c|d', '__proto__', 'constructor|x');

function mapOf<V>(key: fc.Arbitrary<string>, value: fc.Arbitrary<V>): fc.Arbitrary<Map<string, V>> {
  return fc.array(fc.tuple(key, value), { maxLength: 4 }).map((pairs) => new Map(pairs));
}

/** A metric has one type, which depends on its name. */
const anySeries: fc.Arbitrary<Map<string, Map<string, SeriesValue>>> = fc
  .record({ counter: mapOf<SeriesValue>(keys, count), histogram: mapOf<SeriesValue>(keys, histogram) })
  .map((series) => new Map(Object.entries(series).filter(([, values]) => values.size > 0)));

/** A value depends on the stamp that set it: a stamp belongs to one event. */
const anyRegisters: fc.Arbitrary<CoordinatorRegisters> = fc
  .record({
    seen: anyStamp,
    ended: anyStamp,
    started: anyStamp,
    phaseSet: anyStamp,
    staleSet: anyStamp,
    allWaitsClosed: anyStamp,
    waits: mapOf(fc.constantFrom('w1', 'w2', '__proto__'), fc.record({ opened: anyStamp, closed: anyStamp })),
  })
  .map((registers) => ({
    ...registers,
    phase: registers.phaseSet === '' ? 'unknown' : `phase-${registers.phaseSet}`,
    stale: registers.staleSet.length % 2 === 1,
  }));

const reasons = fc.constantFrom<DeadLetterReason>('too_large', 'missing_field', 'wrong_shard');

/** Deltas that no fold would produce. */
const handMade: fc.Arbitrary<Delta> = fc.record({
  series: anySeries,
  coordinators: mapOf(keys, anyRegisters),
  totals: fc.record({
    entries: count,
    events: count,
    lostEntries: count,
    deadLetters: fc.array(fc.tuple(reasons, count), { maxLength: 3 }).map((pairs) => new Map(pairs)),
  }),
  watermark: anyStamp,
});

/**
 * Deltas of generated events. All belong to the same stream, because an entry ID names one entry: each picks some of
 * its entries.
 */
const stream = placeEvents(
  generateEvents(400, { seed: 1, bad: true, coordinators: 3 }),
  below(createRandom(2)),
);
const folded: fc.Arbitrary<Delta> = fc.subarray(stream, { maxLength: 60 }).map(foldEntries);

/** Any delta: from generated events, or built by hand. */
export const anyDelta: fc.Arbitrary<Delta> = fc.oneof(handMade, folded);

function below(random: () => number): (n: number) => number {
  return (n) => Math.floor(random() * n);
}
