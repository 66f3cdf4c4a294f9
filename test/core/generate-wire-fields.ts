import { createRandom } from '../harness/generate-events.ts';

/** The fields of the table in the contract, by event type: the kind of each, and whether it is required. */
export const CONTRACT: Readonly<Record<string, Readonly<Record<string, FieldOfContract>>>> = {
  'coordinator.started': { coordinator_id: 'id!', phase: 'label' },
  'coordinator.phase_changed': { coordinator_id: 'id!', phase: 'label!' },
  'coordinator.stopped': { coordinator_id: 'id!', reason: 'word' },
  'wait.started': {
    coordinator_id: 'id!',
    wait_id: 'id!',
    phase: 'label',
    timeout_ms: 'duration',
    expected: 'count',
  },
  'wait.finished': { coordinator_id: 'id!', status: 'word!', duration_ms: 'duration!', wait_id: 'id' },
  'signal.sent': { sender_id: 'id!', receiver_id: 'id!', signal_type: 'label!', signal_id: 'id' },
  'signal.acked': {
    sender_id: 'id!',
    receiver_id: 'id!',
    signal_type: 'label!',
    latency_ms: 'duration!',
    signal_id: 'id',
  },
  'heartbeat.stale': { coordinator_id: 'id!', failure_type: 'word' },
  'heartbeat.recovered': { coordinator_id: 'id!' },
  timeout: { coordinator_id: 'id!', timeout_type: 'word!' },
};

type Kind = 'id' | 'label' | 'word' | 'duration' | 'count' | 'clock';
/** A kind; with an exclamation mark if the field is required. */
export type FieldOfContract = Kind | `${Kind}!`;

const WORDS: Readonly<Record<string, readonly string[]>> = {
  reason: ['completed', 'failed', 'terminated'],
  status: ['completed', 'timeout', 'error'],
  failure_type: ['stale', 'missing', 'timeout'],
  timeout_type: ['blocking', 'signal_ack', 'heartbeat'],
};

const ODD_TEXTS: readonly string[] = [
  ['', ' ', 'a b', 'a\n', '\na', 'a"b', 'a\\b', 'a|b', "a'b", 'é', 'ａ', '日本', '🐝', '\ud800', '\u0000'],
  ['__proto__', 'constructor', 'toString', 'valueOf', 'undefined', 'null', 'true', 'NaN', 'Infinity'],
  ['A-Z_.:/@', 'a+b', 'a,b', 'Completed', 'completed ', 'stale\n', 'x'.repeat(64), 'x'.repeat(65)],
  ['x'.repeat(128), 'x'.repeat(129), 'é'.repeat(64), '{}', '[]', '"a"', '-1', '+1', '-0', '1e3', '1E3'],
  ['1e-3', '.5', '5.', '1.2.3', ' 1', '1 ', '1\n', '01', '00.50', '0x10', '1_000', '1,5', '١٢', '１２'],
  ['9'.repeat(400), `0.${'9'.repeat(400)}`, '0'.repeat(50), '1n', '--1'],
].flat();
const DURATIONS: readonly string[] = [
  ['0', '0.0', '0.0004', '0.0005', '0.000499999999999999999999', '12.0005', '0.9995', '999.9999', '1'],
  ['31536000000', '31536000000.000', '31536000000.0000001', '31536000001', '31535999999.9999'],
  ['9007199254740991', '9007199254740992', '18446744073709551616', '1000000', '1000001'],
].flat();
const NUMBERS: readonly number[] = [
  [0, -0, 1, 12.5, -1, 0.0005, 5e-324, 5.5e-17, 1e-7, 9.99e-7, 1.234567890123456e-6, 1e21, 1.5e300],
  [31_536_000_000, 31_536_000_000.001, 2 ** 53 - 1, 2 ** 53, 1_000_000, 1_000_001, 0.1 + 0.2],
].flat();
const STRANGERS: readonly unknown[] = [null, true, false, {}, [], ['a'], { a: 1 }, [[['deep']]], ['1']];
const EXTRA_NAMES: readonly string[] = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'valueOf',
  'note',
  '',
  'é',
  'events',
  'prototype',
];

const RULES = new Map(
  Object.entries(CONTRACT).map(([type, fields]) => [
    type,
    Object.entries({ swarm_id: 'id!', ...fields, id: 'id', at: 'clock' }).map(([name, rule]) => ({
      name,
      kind: rule.replace('!', '') as Kind,
      required: rule.endsWith('!'),
    })),
  ]),
);

/** Fields of one event, as JSON can carry them. */
export type JsonFields = Readonly<Record<string, unknown>>;

/** Endless events, valid, nearly valid and garbage; the same for the same seed. */
export function* generateWireFields(seed: number): Generator<JsonFields, never> {
  const random = createRandom(seed);
  const below = (n: number): number => Math.floor(random() * n);
  const pick = <T>(values: readonly T[]): T | undefined => values[below(values.length)];
  const types = Object.keys(CONTRACT);

  const validValue = (name: string, kind: Kind): string => {
    switch (kind) {
      case 'id':
        return `${pick(['a', 'B-7', 'x.y:z/@', 'c_'])}${below(1_000)}`;
      case 'label':
        return pick(['planning', 'completion', 'x/y', '9']) ?? '';
      case 'word':
        return pick(WORDS[name] ?? []) ?? '';
      case 'duration':
        return below(2) === 0 ? `${below(100_000)}.${below(100_000)}` : (pick(DURATIONS.slice(0, 11)) ?? '');
      case 'count':
        return String(below(1_000_001));
      case 'clock':
        return `17${below(100_000_000)}.${below(1_000)}`;
    }
  };
  const anyValue = (): unknown => {
    switch (below(8)) {
      case 0:
      case 1:
        return pick(NUMBERS);
      case 2:
        return pick(STRANGERS);
      case 3:
      case 4:
        return pick(DURATIONS);
      case 5:
        return `${below(100)}.${below(1_000_000)}`;
      default:
        return pick(ODD_TEXTS);
    }
  };

  for (;;) {
    const type = pick(types) ?? '';
    const fields: Record<string, unknown> = { type };
    const rules = RULES.get(type) ?? [];
    for (const { name, kind, required } of rules) {
      if (required || below(2) === 0) fields[name] = validValue(name, kind);
    }
    if (below(8) === 0)
      fields['v'] = pick<unknown>(['1', 1, '2', '0', '01', '', null, 1.5, -1, '1.0', true, [1]]);
    for (let mutations = below(8) === 0 ? 1 + below(2) : 0; mutations > 0; mutations--) {
      const name = pick(rules)?.name ?? '';
      if (below(4) === 0) delete fields[name];
      else fields[name] = anyValue();
    }
    if (below(6) === 0) {
      const value = anyValue();
      Object.defineProperty(fields, pick(EXTRA_NAMES) ?? '', { value, enumerable: true, configurable: true });
    }
    if (below(40) === 0) fields['type'] = pick<unknown>([...ODD_TEXTS, ...NUMBERS, ...STRANGERS]);
    if (below(60) === 0) delete fields['type'];
    yield fields;
  }
}
