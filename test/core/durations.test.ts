import * as fc from 'fast-check';
import { test } from '../harness/ava.ts';
import { decodeAll } from './decode-all.ts';

const FIELDS = [
  'type',
  'wait.finished',
  'swarm_id',
  's',
  'coordinator_id',
  'c',
  'status',
  'error',
  'duration_ms',
];
const LONGEST_MS = 31_536_000_000n;

function readMicros(duration: string): number | string {
  return micros(decodeAll([...FIELDS, duration]));
}

/** The duration as a JSON number, written as `text`. */
function readMicrosOfNumber(text: string): number | string {
  const event = '"type":"wait.finished","swarm_id":"s","coordinator_id":"c","status":"error"';
  return micros(decodeAll(['events', `[{${event},"duration_ms":${text}}]`]));
}

function micros([outcome]: ReturnType<typeof decodeAll>): number | string {
  if (outcome?.event === undefined) return outcome?.reason ?? 'nothing';
  return outcome.event.type === 'wait.finished' ? outcome.event.duration_micros : 'another type';
}

/** Rounds half up in exact integers: an independent rule. */
function roundHalfUp(whole: string, fraction: string): number | string {
  const scale = 10n ** BigInt(fraction.length);
  const scaled = BigInt(whole) * scale + BigInt(fraction === '' ? '0' : fraction);
  if (scaled > LONGEST_MS * scale) return 'invalid_field';
  return Number((scaled * 2_000n + scale) / (2n * scale));
}

test('durations are whole microseconds, rounded half up', (t) => {
  t.is(readMicros('12'), 12_000);
  t.is(readMicros('12.5'), 12_500);
  t.is(readMicros('0.0005'), 1);
  t.is(readMicros('0.00049999999999999999999999999'), 0);
  t.is(readMicros('12.0005'), 12_001, 'in binary 12.0005 is a little less than it is');
  t.is(readMicros('1.0015'), 1_002);
  t.is(readMicros('999.9999'), 1_000_000);
});

test('durations range from 0 to a year of 365 days', (t) => {
  t.is(readMicros('0'), 0);
  t.is(readMicros('31536000000'), 31_536_000_000_000);
  t.is(readMicros('31536000000.000'), 31_536_000_000_000);
  t.is(readMicros('31535999999.9999'), 31_536_000_000_000);
  t.is(readMicros('31536000000.00000000000000001'), 'invalid_field');
  t.is(readMicros('31536000001'), 'invalid_field');
  t.is(readMicros('9'.repeat(5_000)), 'invalid_field');
});

test('a sign, an exponent, a bare point and anything else are invalid', (t) => {
  const texts = [
    '-1',
    '-0',
    '+1',
    '1e3',
    '1E3',
    '1e-3',
    '.5',
    '5.',
    '',
    ' 1',
    '1 ',
    '1\n',
    '1,5',
    '0x1',
    'NaN',
    '١',
    '1_0',
  ];
  for (const text of texts) t.is(readMicros(text), 'invalid_field', JSON.stringify(text));
});

test('a duration as a JSON number is read exactly, however it is written and however small it is', (t) => {
  t.is(readMicrosOfNumber('12.50'), 12_500);
  t.is(readMicrosOfNumber('1e3'), 1_000_000);
  t.is(readMicrosOfNumber('0.0000001'), 0);
  t.is(readMicrosOfNumber('5.5e-17'), 0, 'what 0.1 + 0.2 - 0.3 leaves');
  t.is(readMicrosOfNumber('0.000001234567890123456'), 0, '21 digits');
  t.is(readMicrosOfNumber('0.000512345678901234567'), 1);
  t.is(readMicrosOfNumber('-0.0000001'), 'invalid_field');
  t.is(readMicrosOfNumber('-0'), 0, 'JSON has a zero with a sign, and it is zero');
  t.is(readMicrosOfNumber('1e400'), 'invalid_field');
  t.is(readMicrosOfNumber('null'), 'invalid_field');
});

test('every decimal is rounded as with exact integers', (t) => {
  const digits = fc
    .array(fc.constantFrom(...'0123456789'.split('')), { maxLength: 30 })
    .map((each) => each.join(''));
  const whole = fc.oneof(
    fc.bigInt({ min: 0n, max: LONGEST_MS + 2n }).map(String),
    digits.filter((text) => text !== ''),
  );
  fc.assert(
    fc.property(
      whole,
      fc.oneof(
        digits,
        digits.map((tail) => `0005${tail}`),
        digits.map((tail) => `9994${tail}`),
      ),
      (ms, fraction) => {
        t.is(readMicros(fraction === '' ? ms : `${ms}.${fraction}`), roundHalfUp(ms, fraction));
      },
    ),
    { numRuns: 20_000, seed: 5 },
  );
});
