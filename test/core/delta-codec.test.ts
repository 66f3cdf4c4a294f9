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
import { test } from '../harness/ava.ts';
import { anyDelta } from './any-delta.ts';
import { toComparable } from './comparable-delta.ts';

const histogramDelta = (sumMicros: Micros): Delta => ({
  ...emptyDelta(),
  series: new Map([['m', new Map([['k', { sumMicros, buckets: [1, 2] }]])]]),
});

test('a delta equals the one decoded from its text', (t) => {
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

test('sums around and beyond 2^53 are exact in the text', (t) => {
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

/** Every value inside a text, replaced by one of another type, one at a time. */
function* falsify(value: unknown): Generator {
  if (Array.isArray(value)) {
    for (const [at, inner] of value.entries())
      for (const wrong of falsify(inner)) yield value.with(at, wrong);
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, inner] of Object.entries(value))
      for (const wrong of falsify(inner)) yield { ...value, [name]: wrong };
  } else yield typeof value === 'number' ? `x${value}` : 1.5;
}

test('a text with one value of a wrong type is refused, and the expected type is named', (t) => {
  const text = JSON.stringify({
    series: { counter: ['a|b', 3], histogram: ['k', [12, 1, 2], 'l', ['9007199254740993', 0, 1]] },
    coordinators: ['s|a', ['10-0', '', '9-0-1', '9-0', 'planning', '', 0, '', ['w1', '9-0', '']]],
    totals: [3, 4, 0, 'too_large', 1],
    watermark: '10-0',
  });
  t.notThrows(() => decodeDelta(text));
  const wrong = [...falsify(JSON.parse(text))];
  t.is(wrong.length, 28);
  for (const each of wrong)
    t.throws(
      () => decodeDelta(JSON.stringify(each)),
      { message: /^delta: expected .*; got / },
      JSON.stringify(each),
    );
});
