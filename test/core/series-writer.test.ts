import {
  createSeriesRenderer,
  createSeriesWriter,
  TextBytes,
  type Metric,
  type SeriesValue,
} from '@streamfold/core';
import * as fc from 'fast-check';
import { test } from '../harness/ava.ts';
import { anyCharacter } from '../harness/any-character.ts';

const ANY_TEXT = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: anyCharacter, maxLength: 12 }),
  fc.array(fc.constantFrom('"', '\\', '\n', 'n', 'é', '€', '😀', '\ud83d', ' ')).map((each) => each.join('')),
);
const LABELS = fc.constantFrom<string[][]>([], ['a'], ['a', 'b'], ['swarm_id', 'coordinator_id', 'status']);
const COUNT = fc.oneof(
  fc.nat(),
  fc.maxSafeNat(),
  fc.constantFrom(0, 9, 10, 999_999_999, 1e9, 1e10, 2 ** 53 - 1),
);
const NUMBER = fc.oneof(COUNT, fc.double(), fc.maxSafeInteger(), fc.constantFrom(-0, -1, 2 ** 53, 1e21, 0.1));
const MICROS = fc.oneof(
  COUNT,
  fc.bigInt({ min: 0n, max: 10n ** 30n }),
  fc.nat().map((seconds) => seconds * 1e6),
);
const HISTOGRAM: fc.Arbitrary<SeriesValue> = fc.record({
  sumMicros: MICROS,
  buckets: fc.array(fc.nat(), { maxLength: 4 }),
});

const metric = fc.record({
  metric: LABELS.chain((labels) =>
    fc.constantFrom<Metric[]>(
      { type: 'gauge', name: 'g', help: '', labels, projection: 'open_waits' },
      { type: 'counter', name: 'c_total', help: '', labels, event: 'timeout' },
      {
        type: 'histogram',
        name: 'h',
        help: '',
        labels,
        event: 'signal.acked',
        value: 'x',
        buckets: [0.5, 1, 20],
      },
    ),
  ),
  format: fc.constantFrom('text' as const, 'openmetrics' as const),
});
const cases = metric.chain((chosen) =>
  fc.record({
    chosen: fc.constant(chosen),
    values: fc.array(ANY_TEXT, {
      minLength: chosen.metric.labels.length,
      maxLength: chosen.metric.labels.length,
    }),
    value: chosen.metric.type === 'histogram' ? HISTOGRAM : NUMBER,
  }),
);

test('a series is written as the bytes of its text, whatever its labels and numbers are', (t) => {
  const property = fc.property(cases, fc.nat({ max: 8 }), ({ chosen, values, value }, capacity) => {
    const { metric: row, format } = chosen;
    const key = values.join('|');
    const out = new TextBytes(capacity);
    createSeriesWriter(row, format)(key, value, out);
    const text = createSeriesRenderer(row, format)(key, value);
    t.deepEqual(
      Buffer.from(out.bytes.subarray(0, out.length)).toString('latin1'),
      Buffer.from(text).toString('latin1'),
    );
  });
  fc.assert(property, { numRuns: 3_000, seed: 91 });
});
