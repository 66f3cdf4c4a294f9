import { compareStamps, isAfter, LAST_ID, lastIdAt, previousId, stampMs } from '@streamfold/core';
import * as fc from 'fast-check';
import { test } from '../harness/ava.ts';

const MOST = 2n ** 64n - 1n;
const number64 = fc.oneof(
  fc.bigInt({ min: 0n, max: MOST }),
  fc.bigInt({ min: 0n, max: 120n }),
  fc.constantFrom(0n, 9n, 10n, 99n, 100n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n, MOST - 1n, MOST),
);
const index = fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 999n }));
const parts = fc.tuple(number64, number64, index);
type Parts = readonly [bigint, bigint, bigint];

function write([ms, seq, at]: Parts): string {
  return at === 0n ? `${ms}-${seq}` : `${ms}-${seq}-${at}`;
}

function compareParts(left: Parts, right: Parts): number {
  for (const [at, number] of left.entries()) {
    const other = right[at] ?? 0n;
    if (number !== other) return number < other ? -1 : 1;
  }
  return 0;
}

const sign = (value: number): number => Math.sign(value) + 0;

test('stamps are ordered like their 64-bit numbers', (t) => {
  fc.assert(
    fc.property(parts, parts, fc.integer({ min: 0, max: 3 }), (left, other, equalParts) => {
      const right: Parts = [
        equalParts > 0 ? left[0] : other[0],
        equalParts > 1 ? left[1] : other[1],
        equalParts > 2 ? left[2] : other[2],
      ];
      t.is(sign(compareStamps(write(left), write(right))), compareParts(left, right));
      t.is(isAfter(write(left), write(right)), compareParts(left, right) > 0);
    }),
    { numRuns: 20_000, seed: 41 },
  );
});

test('the order is antisymmetric and transitive', (t) => {
  const stamp = fc.oneof(fc.constant(''), parts.map(write));
  fc.assert(
    fc.property(stamp, stamp, stamp, (a, b, c) => {
      t.is(sign(compareStamps(a, b)), sign(-compareStamps(b, a)));
      t.is(compareStamps(a, a), 0);
      const [low = '', middle = '', high = ''] = [a, b, c].toSorted(compareStamps);
      t.true(
        compareStamps(low, middle) <= 0 && compareStamps(middle, high) <= 0 && compareStamps(low, high) <= 0,
      );
    }),
    { numRuns: 5_000, seed: 42 },
  );
});

test('the order is not that of the texts, even at the extremes of 64 bits', (t) => {
  const ascending = [
    ['', '0-1', '0-9', '0-10', '1-0', '9-9', '10-0', '10-0-1', '10-0-9', '10-0-10', '10-0-999', '10-1'],
    ['9007199254740992-0', '9007199254740993-0', '18446744073709551614-18446744073709551615'],
    ['18446744073709551615-0', '18446744073709551615-18446744073709551615'],
    ['18446744073709551615-18446744073709551615-999'],
  ].flat();
  for (const [at, left] of ascending.entries()) {
    for (const [other, right] of ascending.entries()) {
      t.is(sign(compareStamps(left, right)), Math.sign(at - other), `${left} and ${right}`);
    }
  }
});

test('a stamp holds the milliseconds of its entry', (t) => {
  t.is(stampMs('1700000000123-4'), 1_700_000_000_123);
  t.is(stampMs('1700000000123-4-17'), 1_700_000_000_123);
});

test('there is no entry ID between an entry ID and the previous one', (t) => {
  fc.assert(
    fc.property(number64, number64, (ms, seq) => {
      const before = (ms << 64n) + seq - 1n;
      const expected: Parts = before < 0n ? [0n, 0n, 0n] : [before >> 64n, before & MOST, 0n];
      t.is(previousId(write([ms, seq, 0n])), write(expected));
    }),
    { numRuns: 5_000, seed: 43 },
  );
});

test('the last ID of a millisecond is the one before the next millisecond', (t) => {
  fc.assert(
    fc.property(
      number64.filter((ms) => ms < MOST),
      (ms) => t.is(lastIdAt(String(ms)), previousId(`${ms + 1n}-0`)),
    ),
    { numRuns: 1_000, seed: 44 },
  );
  t.is(LAST_ID, lastIdAt(String(MOST)));
});
