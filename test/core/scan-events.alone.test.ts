import { test } from '../harness/ava.ts';
import { createRandom } from '../harness/generate-events.ts';
import { decodeAll, type Outcome } from './decode-all.ts';
import { generateWireFields, type JsonFields } from './generate-wire-fields.ts';

const BATCHES = 15_000;

/** Writes an object as publishers do, and as no publisher does: other spaces, escapes, names twice or in another order. */
function createWriter(random: () => number): (events: readonly JsonFields[]) => string {
  const below = (n: number): number => Math.floor(random() * n);
  const escapeCharacter = (json: string): string => {
    const at = 1 + below(json.length - 1);
    const code = json.charCodeAt(at).toString(16).padStart(4, '0');
    return `${json.slice(0, at)}\\u${code}${json.slice(at + 1)}`;
  };
  const writeValue = (value: unknown): string => {
    const json = JSON.stringify(value);
    if (typeof value === 'string' && value !== '' && below(300) === 0) return escapeCharacter(json);
    return below(300) === 0 && !Number.isNaN(Number(value)) ? String(Number(value)) : json;
  };
  const writeEvent = (fields: JsonFields, [comma, colon]: readonly [string, string]): string => {
    const names = Object.keys(fields);
    if (below(20) === 0) names.reverse();
    if (below(100) === 0) names.push(names[below(names.length)] ?? 'type');
    const written = names.map((name) => `${writeValue(name)}${colon}${writeValue(fields[name])}`);
    return `{${written.join(comma)}}`;
  };
  return (events) => {
    const spaces = below(3) === 0 ? ([', ', ': '] as const) : ([',', ':'] as const);
    const odd = below(10) === 0 ? (['\n ,\t', ' : '] as const) : spaces;
    return `[${events.map((fields) => writeEvent(fields, odd)).join(odd[0])}]`;
  };
}

/** The text, or one with a part left out, put in, or cut off. */
function damage(text: string, random: () => number): string {
  const at = Math.floor(random() * (text.length + 1));
  const parts = [
    '"',
    '\\',
    ',',
    ']',
    '}',
    '{',
    '[',
    ' ',
    '0',
    'a',
    '\u0000',
    '\u007f',
    'é',
    '{},',
    ',"a":"b"',
  ];
  switch (Math.floor(random() * 12)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(0, at) + text.slice(at + 1);
    case 2:
      return text.slice(0, at) + (parts[Math.floor(random() * parts.length)] ?? '') + text.slice(at);
    case 3:
      return text + (parts[Math.floor(random() * parts.length)] ?? '');
    default:
      return text;
  }
}

/** The same batch read by JSON.parse: the leading line break means nothing in JSON, and no known layout starts with it. */
function decodeParsed(text: string): Outcome[] {
  return decodeAll(['events', `\n${text}`]).map((outcome) =>
    outcome.event === undefined && outcome.index === undefined
      ? {
          ...outcome,
          detail: outcome.detail.replace(String.raw`"\n`, '"'),
          fields: JSON.stringify({ events: text }),
        }
      : outcome,
  );
}

/** Details show the beginning of a text, which the line break shifts by two characters. */
function cutDetails(outcomes: readonly Outcome[]): unknown[] {
  return outcomes.map((outcome) =>
    outcome.event === undefined && outcome.index === undefined
      ? { ...outcome, detail: outcome.detail.slice(0, 100) }
      : outcome,
  );
}

test('a batch is read as by JSON.parse, however it is written, damaged or cut', (t) => {
  const random = createRandom(41);
  const generator = generateWireFields(42);
  const write = createWriter(random);
  let decoded = 0;
  let dead = 0;
  for (let batch = 0; batch < BATCHES; batch++) {
    const events: JsonFields[] = [];
    for (let count = Math.floor(random() * 6); count >= 0; count--) events.push(generator.next().value);
    const text = damage(write(events), random);
    const outcomes = decodeAll(['events', text]);
    const expected = decodeParsed(text);
    const differ = JSON.stringify(cutDetails(outcomes)) !== JSON.stringify(cutDetails(expected));
    if (differ) t.deepEqual(cutDetails(outcomes), cutDetails(expected), text);
    for (const { event } of outcomes)
      if (event === undefined) dead++;
      else decoded++;
  }
  t.true(decoded > BATCHES && dead > BATCHES / 4, `${decoded} decoded, ${dead} dead`);
});

const ACKED = {
  type: 'signal.acked',
  swarm_id: 's',
  sender_id: 'a',
  receiver_id: 'b',
  signal_type: 'completion',
  latency_ms: '12.5',
  note: 'kept, and ignored',
};
const KNOWN = JSON.stringify([ACKED, ACKED, ACKED]);

test('every truncated batch of a known layout is one dead letter', (t) => {
  t.is(decodeAll(['events', KNOWN]).length, 3);
  for (let length = 0; length < KNOWN.length; length++) {
    const text = KNOWN.slice(0, length);
    t.like(decodeAll(['events', text]), [
      { reason: 'invalid_field', fields: JSON.stringify({ events: text }) },
    ]);
  }
});

test('a value of a known layout that holds any one character is read as by JSON.parse', (t) => {
  decodeAll(['events', KNOWN]);
  for (let code = 0; code < 0x300; code++) {
    for (const [name, value] of Object.entries(ACKED)) {
      const character = String.fromCharCode(code);
      const text = KNOWN.replace(`"${name}":"${value}"`, () => `"${name}":"${value}${character}"`);
      const outcomes = cutDetails(decodeAll(['events', text]));
      t.deepEqual(outcomes, cutDetails(decodeParsed(text)), `${name} with ${code}`);
    }
  }
});

function repeatEvent(count: number): string {
  return JSON.stringify(Array.from({ length: count }, () => ACKED));
}

test('a batch of 1,000 events of a known layout is decoded, one of 1,001 is a dead letter', (t) => {
  t.is(decodeAll(['events', repeatEvent(1_000)]).length, 1_000);
  t.like(decodeAll(['events', repeatEvent(1_001)]), [{ reason: 'invalid_field' }]);
});

test('a value as long as a whole entry is read like any other, closed or not', (t) => {
  decodeAll(['events', KNOWN]);
  const long = JSON.stringify([{ ...ACKED, note: 'x'.repeat(1_000_000) }]);
  t.is(decodeAll(['events', long])[0]?.event?.type, 'signal.acked');
  t.like(decodeAll(['events', long.slice(0, -3)]), [{ reason: 'invalid_field' }]);
  t.like(decodeAll(['events', JSON.stringify([{ ...ACKED, note: 'x'.repeat(1_048_576) }])]), [
    { reason: 'too_large' },
  ]);
});

test('in a batch of a known layout an event of another shard is a dead letter with its fields', (t) => {
  const context = { shard: 0, shards: 2, upcasters: new Map() };
  const swarms = ['s1', 's2', 's3', 's4'];
  const texts = swarms.map((swarm_id) => JSON.stringify({ ...ACKED, swarm_id }));
  decodeAll(['events', KNOWN]);
  const outcomes = decodeAll(['events', `[${texts.join(',')}]`], context);
  const dead = outcomes.filter((outcome) => outcome.event === undefined);
  t.true(dead.length > 0 && dead.length < swarms.length);
  for (const letter of dead) t.like(letter, { reason: 'wrong_shard', fields: texts[letter.index ?? -1] });
});

test.serial('in a batch of a known layout another version is read as by JSON.parse', (t) => {
  decodeAll(['events', JSON.stringify([{ ...ACKED, v: '1' }])]);
  for (const v of ['', '0', '01', '1', '1.0', '10', '2']) {
    const text = JSON.stringify([{ ...ACKED, v }]);
    const outcomes = decodeAll(['events', text]);
    t.deepEqual(outcomes, decodeParsed(text), v);
    t.is(outcomes[0]?.event?.v, v === '1' ? 1 : undefined);
  }
});

test.serial('a batch of a known layout is decoded without JSON.parse', (t) => {
  decodeAll(['events', KNOWN]);
  const { parse } = JSON;
  let outcomes: Outcome[];
  JSON.parse = () => t.fail('JSON.parse was called');
  try {
    outcomes = decodeAll(['events', KNOWN]);
  } finally {
    JSON.parse = parse;
  }
  t.deepEqual(outcomes, decodeParsed(KNOWN));
});
