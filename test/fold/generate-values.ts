import { findEventType } from '@streamfold/core';

/** Draws from one row of random numbers. */
export interface Draw {
  below(most: number): number;
  chance(probability: number): boolean;
  pick<T>(from: readonly T[]): T;
  /** Sometimes the same with a change in it. */
  mutateText(text: string, rate: number): string;
  mutateBytes(bytes: string, rate: number): string;
}

/** Values of the fields of events, mostly valid. */
export interface Values {
  text(type: string, name: string): string;
  /** As JSON. */
  json(type: string, name: string, writesNumbers: boolean): string;
}

const ODD_TEXTS: readonly string[] = [
  ['', ' ', '|', 'a|b', 'x'.repeat(129), 'x'.repeat(65), 'ä', 'a"b', 'a\\b', '\n', '\u0000', '😀', '\ud800'],
  ['-1', '1e5', '.5', '1.', '007', '99999999999999999999', 'null', 'true', 'heartbea', 'heartbeats'],
  ['31536000000', '31536000000.1', '31536000001', '9007199254740991', '9007199254740992', '1000001'],
].flat();
const ODD_JSON = [
  'null',
  'true',
  '{}',
  '[1]',
  '1e3',
  '-5',
  '0.1e-7',
  '5e-7',
  '1.50',
  '12345678901234567',
  '" "',
];
const DURATIONS = [
  [
    '0',
    '1',
    '12',
    '12.5',
    '0.0005',
    '0.00049',
    '12.0005',
    '12.00049999',
    '1234567890',
    '12345678901',
    '00012',
  ],
  ['31536000000', '1.123456789012345678', '999.9995', '0.9995', '5.50', '123456789012.5'],
].flat();
const CLOCKS = ['0', '1790000000000', '1790000000000.25', '123456789012345', '1234567890123456', '12345.0'];
const COUNTS = ['0', '1', '5', '999999', '1000000', '0001', '12'];
const NAMES = ['a', 'bb', 'swarm-1', 'coordinator-12', 'worker-123', 'x'.repeat(8), 'w:0', 'A.b/c@d'];
const LENGTHS = [1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 31, 64, 100, 127, 128];
const NUMERIC = /^(0|[1-9]\d*)(\.\d+)?$/;

export function createValues(draw: Draw, faultRate: number): Values {
  const name = (): string => {
    if (draw.chance(0.8)) return draw.pick(NAMES);
    let text = '';
    const length = draw.chance(0.2) ? draw.pick(LENGTHS) : 1 + draw.below(6);
    while (text.length < length) text += draw.pick(NAMES);
    return text.slice(0, length);
  };
  const text = (type: string, field: string): string => {
    if (draw.chance(faultRate)) return draw.pick(ODD_TEXTS);
    if (field === 'type') return type;
    if (field === 'v') return draw.chance(faultRate) ? draw.pick(['2', '0', '01', 'x', '1.0']) : '1';
    const rule = findEventType(type)?.rules.find((each) => each.name === field);
    if (rule === undefined) return draw.pick(['plain text', '', 'long '.repeat(5)]);
    if (rule.kind.words !== undefined) return draw.pick(rule.kind.words);
    if (rule.decodedName !== field)
      return draw.chance(0.3) ? draw.pick(DURATIONS) : String(draw.below(12_000) / 8);
    if (field === 'at') return draw.pick(CLOCKS);
    return rule.kind.plain.read === undefined ? name() : draw.pick(COUNTS);
  };
  return {
    text,
    json(type, field, writesNumbers) {
      if (draw.chance(faultRate / 3)) return draw.pick(ODD_JSON);
      const value = text(type, field);
      const isNumber = /_ms$|^at$|^expected$|^v$|^note$/.test(field) && NUMERIC.test(value);
      return writesNumbers && isNumber ? value : JSON.stringify(value);
    },
  };
}
