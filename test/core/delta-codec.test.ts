import {
  decodeDelta,
  emptyDelta,
  encodeDelta,
  encodeDeltaInParts,
  mergeDelta,
  type Delta,
  type Micros,
} from '@streamfold/core';
import * as fc from 'fast-check';
import test from 'ava';
import { anyDelta } from './any-delta.ts';
import { toComparable } from './comparable-delta.ts';

const histogramDelta = (sumMicros: Micros): Delta => ({
  ...emptyDelta(),
  series: new Map([['m', new Map([['k', { sumMicros, buckets: [1, 2] }]])]]),
});

test('a delta is what its text decodes to', (t) => {
  fc.assert(
    fc.property(anyDelta, (delta) => {
      t.deepEqual(toComparable(decodeDelta(encodeDelta(delta))), toComparable(delta));
    }),
    { numRuns: 300, seed: 31 },
  );
});

test('a delta in parts is the merge of its parts, each no larger than asked for', (t) => {
  fc.assert(
    fc.property(anyDelta, fc.integer({ min: 1, max: 7 }), (delta, maxItems) => {
      const merged = emptyDelta();
      for (const text of encodeDeltaInParts(delta, maxItems)) {
        const part = decodeDelta(text);
        const series = [...part.series.values()].reduce((sum, { size }) => sum + size, 0);
        t.true(series + part.coordinators.size <= maxItems);
        mergeDelta(merged, part);
      }
      t.deepEqual(toComparable(merged), toComparable(delta));
    }),
    { numRuns: 200, seed: 32 },
  );
});

test('a delta that adds nothing is one part', (t) => {
  t.is([...encodeDeltaInParts(emptyDelta(), 10)].length, 1);
});

test('sums around 2^53 and beyond are exact in the text', (t) => {
  for (const sum of [0, 2 ** 53 - 1, 2n ** 53n, 2n ** 53n + 1n, 2n ** 64n + 1n, 10n ** 30n + 1n]) {
    const decoded = decodeDelta(encodeDelta(histogramDelta(sum)));
    t.deepEqual(decoded.series.get('m')?.get('k'), { sumMicros: sum, buckets: [1, 2] });
  }
});

test('a text of another form is refused', (t) => {
  const texts = ['', '{', '[]', 'null', '{}', '{"series":{},"coordinators":[],"totals":[],"watermark":""}'];
  for (const text of [...texts, '{"series":[],"coordinators":[],"totals":[0,0,0],"watermark":""}']) {
    t.throws(() => decodeDelta(text), undefined, text);
  }
  t.throws(() =>
    decodeDelta('{"series":{},"coordinators":[],"totals":[0,0,0,"no_reason",1],"watermark":""}'),
  );
});
