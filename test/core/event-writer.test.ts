import {
  createEventWriter,
  encodeEvent,
  EVENT_TYPES,
  NOT_PLAIN,
  type EncodedEvent,
  type EventInput,
  type EventWriter,
  type InvalidEvent,
} from '@streamfold/core';
import { test } from '../harness/ava.ts';
import { createRandom } from '../harness/generate-events.ts';
import { generateWireFields } from './generate-wire-fields.ts';

const ROOM_BYTES = 32 * 1024;
const bytes = new Uint8Array(ROOM_BYTES);
const view = new DataView(bytes.buffer);
const GUARD = 7;
const decoder = new TextDecoder('utf-8', { fatal: true });

interface Outcome {
  readonly way: 'fast' | 'slow';
  readonly encoded: EncodedEvent | InvalidEvent;
}

/** Encodes as a publisher does: written if the writer can, the slow way if not. */
function encodeBy(writer: EventWriter, junk: unknown, at = 0): Outcome {
  const most = writer.read(junk as EventInput);
  if (most > 0) {
    bytes.fill(GUARD, at, at + most + 1);
    const end = writer.write({ bytes, view, at });
    if (bytes[at + most] !== GUARD) throw new Error(`expected at most ${most} bytes`);
    if (end !== NOT_PLAIN) {
      const text = decoder.decode(bytes.subarray(at, end));
      return { way: 'fast', encoded: { ok: true, text, swarmId: writer.swarmId, id: writer.id } };
    }
  }
  return { way: 'slow', encoded: writer.encode() };
}

const RECOVERED = { type: 'heartbeat.recovered', swarm_id: 's', coordinator_id: 'c' } as const;
const ACKED = {
  type: 'signal.acked',
  swarm_id: 'swarm-1',
  sender_id: 'a',
  receiver_id: 'b',
  signal_type: 'completion',
  latency_ms: 12.5,
} as const;

const TEXTS: readonly string[] = [
  [
    '',
    'a',
    'a"b',
    'a\\b',
    'a\nb',
    '\u0000',
    '\u007f',
    'é',
    'Ł',
    '日本',
    '🐝',
    '\ud800',
    '\udc00a',
    ' ',
    '~',
    'ſ',
  ],
  ['x'.repeat(64), 'x'.repeat(65), 'x'.repeat(128), 'x'.repeat(129), 'x'.repeat(16_200), 'x'.repeat(16_400)],
  ['"'.repeat(9_000), '1', '01', '1.', '.1', '1.0', '1.2.3', '-1', '1e3', '9'.repeat(10), '9'.repeat(11)],
  ['9'.repeat(15), '9'.repeat(16), '31536000000', '31536000001', '9999999999.9', `0.${'1'.repeat(300)}`],
  ['completed', 'stale', 'blocking', 'unknown', 'bad_signature', 'toString', '__proto__'],
].flat();
const NUMBERS: readonly number[] = [
  [0, -0, 1, 9, 10, 99, 100, 12.5, 0.1 + 0.2, 1e-7, 5e-324, -1, -1e-9, Number.NaN, Infinity, -Infinity],
  [999_999_999, 1e9, 1e9 + 1, 9_999_999_999, 1e10, 31_536_000_000, 31_536_000_000.5, 31_536_000_001],
  [999_999, 1_000_000, 1_000_001, 999_999_999_999_999, 2 ** 53 - 1, 2 ** 53, 1e21, 1_790_000_000_123.25],
].flat();
const OTHERS: readonly unknown[] = [
  undefined,
  null,
  true,
  {},
  [],
  ['a'],
  1n,
  Symbol('s'),
  new Date(0),
  () => 1,
];
const NAMES: readonly string[] = [
  ['note', 'trace_id', '7', '007', '-1', 'é', '', ' ', 'a"b', '__proto__', 'constructor', 'toString'],
  ['x'.repeat(64), 'x'.repeat(65), 'v', 'id', 'at', 'type', 'swarm_id', 'phase', 'reason', 'toJSON'],
].flat();

/** Endless events: those of the contract's generator, and valid ones of every type with a few fields made odd. */
function* generateEvents(seed: number): Generator<unknown, never> {
  const random = createRandom(seed);
  const wire = generateWireFields(seed);
  const below = (n: number): number => Math.floor(random() * n);
  const pick = <T>(values: readonly T[]): T => values[below(values.length)] as T;
  const anyValue = (): unknown => pick<readonly unknown[]>([TEXTS, TEXTS, NUMBERS, OTHERS]).at(below(60));
  for (;;) {
    const given: Record<string, unknown> = {};
    if (below(3) === 0) Object.assign(given, wire.next().value);
    else {
      const { type, rules } = pick(EVENT_TYPES);
      given['type'] = type;
      for (const { name, kind, required } of rules) {
        if (!required && below(3) > 0) continue;
        const isNumber = kind.plain.read !== undefined;
        const number = below(2) === 0 ? below(1e6) : below(1e9) / 1_000;
        if (isNumber) given[name] = below(2) === 0 ? number : String(number);
        else given[name] = kind.words === undefined ? `${name}-${below(1_000)}` : pick(kind.words);
      }
    }
    if (below(4) === 0) given['trace_id'] = `trace-${below(1_000)}`;
    for (let odd = below(3) === 0 ? below(3) : 0; odd > 0; odd--) {
      const name = below(2) === 0 ? pick(NAMES) : pick(Object.keys(given));
      Object.defineProperty(given, name, { value: anyValue(), enumerable: true, configurable: true });
    }
    yield below(8) === 0 ? disguise(given, below(8)) : given;
  }
}

/** The same fields in another kind of object, or in another order. */
function disguise(given: Readonly<Record<string, unknown>>, how: number): unknown {
  const names = Object.keys(given);
  const half = Object.fromEntries(Object.entries(given).slice(0, names.length / 2));
  const rest = Object.fromEntries(Object.entries(given).slice(names.length / 2));
  switch (how) {
    case 0:
      return Object.assign(Object.create(null) as object, given);
    case 1:
      return Object.assign(Object.create(half) as object, rest);
    case 2:
      return Object.fromEntries(Object.entries(given).toReversed());
    case 3:
      return Object.defineProperty({ ...given }, names.at(-1) ?? 'x', { enumerable: false });
    case 4:
      return new Proxy(given, {});
    case 5:
      return withGetters(given);
    case 6:
      return { ...given, [Symbol('s')]: 1 };
    default:
      return Object.assign(new URL('x:y'), given);
  }
}

/** Each field can be read once; later it is something else. */
function withGetters(given: Readonly<Record<string, unknown>>): object {
  const event = {};
  for (const name of Object.keys(given)) {
    let reads = 0;
    const get = (): unknown => (reads++ === 0 ? given[name] : `read ${reads} times`);
    Object.defineProperty(event, name, { get, enumerable: true });
  }
  return event;
}

test('what a writer accepts, refuses and writes is what encoding gives', (t) => {
  const writer = createEventWriter();
  const [forWriter, forEncode] = [generateEvents(4), generateEvents(4)];
  const ways = { fast: 0, slow: 0, refused: 0 };
  for (let number = 0; number < 15_000; number++) {
    const given = forWriter.next().value;
    const expected = encodeEvent(forEncode.next().value as EventInput);
    const { way, encoded } = encodeBy(writer, given, number % 9);
    const isSame = JSON.stringify(encoded) === JSON.stringify(expected);
    if (!isSame) t.deepEqual(encoded, expected, `event ${number}`);
    if (encoded.ok) ways[way]++;
    else ways.refused++;
  }
  t.true(ways.fast > 5_000 && ways.slow > 500 && ways.refused > 1_000, JSON.stringify(ways));
});

test('every event type is written the fast way, from its second event on', (t) => {
  const writer = createEventWriter();
  for (const { type, rules } of EVENT_TYPES) {
    const given: Record<string, unknown> = { type, v: 1, note: 'a note', n: -1.5 };
    for (const { name, kind } of rules) given[name] = kind.words?.[0] ?? '17';
    t.is(encodeBy(writer, given).way, 'slow', type);
    const { way, encoded } = encodeBy(writer, given);
    t.is(way, 'fast', type);
    t.deepEqual(encoded, encodeEvent(given as unknown as EventInput));
  }
});

test('numbers are written as the plain decimals that encoding gives', (t) => {
  const writer = createEventWriter();
  encodeBy(writer, { ...ACKED, at: 1 });
  const numbers = [...NUMBERS];
  for (let power = 0; power < 16; power++) numbers.push(10 ** power - 1, 10 ** power, 3 * 10 ** power + 7);
  for (const number of numbers) {
    for (const given of [
      { ...ACKED, at: number },
      { ...ACKED, latency_ms: number, at: 1 },
    ]) {
      t.deepEqual(encodeBy(writer, given).encoded, encodeEvent(given), String(number));
    }
  }
  t.is(encodeBy(writer, { ...ACKED, at: 1_790_000_000_123 }).way, 'fast');
});

test('fields that are undefined make no difference', (t) => {
  const writer = createEventWriter();
  encodeBy(writer, RECOVERED);
  const outcome = encodeBy(writer, { ...RECOVERED, id: undefined, at: undefined });
  t.deepEqual(outcome, { way: 'fast', encoded: encodeEvent(RECOVERED) });
});

test('only fields of its own make an event, even if all objects inherit some', (t) => {
  const writer = createEventWriter();
  encodeBy(writer, { ...RECOVERED, id: 'own' });
  encodeBy(writer, RECOVERED);
  // oxlint-disable-next-line no-extend-native -- what a program does to all objects must not matter
  Object.defineProperty(Object.prototype, 'id', {
    value: 'inherited',
    enumerable: true,
    writable: true,
    configurable: true,
  });
  try {
    t.deepEqual(encodeBy(writer, RECOVERED).encoded, encodeEvent(RECOVERED));
    t.like(encodeEvent(RECOVERED), { ok: true, id: undefined });
  } finally {
    Reflect.deleteProperty(Object.prototype, 'id');
  }
});

test('an event whose getter writes another event is written as it was read', (t) => {
  const writer = createEventWriter();
  encodeBy(writer, RECOVERED);
  let inner: Outcome | undefined;
  const nesting = {
    type: 'heartbeat.recovered',
    get swarm_id() {
      inner = encodeBy(writer, { ...RECOVERED, swarm_id: 'inner' }, 500);
      return 'outer';
    },
    coordinator_id: 'c',
  };
  t.like(encodeBy(writer, nesting), { way: 'fast', encoded: { ok: true, swarmId: 'outer' } });
  t.like(inner, { way: 'fast', encoded: { ok: true, swarmId: 'inner' } });
});

test('events with ever other fields do not keep the usual ones from the fast way', (t) => {
  const writer = createEventWriter();
  for (let number = 0; number < 100; number++) {
    t.is(encodeBy(writer, { ...RECOVERED, [`note-${number}`]: 1 }).way, 'slow');
    if (number > 0) t.is(encodeBy(writer, RECOVERED).way, 'fast');
    else encodeBy(writer, RECOVERED);
  }
});
