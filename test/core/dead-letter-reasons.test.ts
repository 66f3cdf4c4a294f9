import { swarmShard } from '@streamfold/core';
import { test } from '../harness/ava.ts';
import { decodeAll, flatten, ONE_SHARD, verdictOf } from './decode-all.ts';

const VALID = { type: 'timeout', swarm_id: 's1', coordinator_id: 'c1', timeout_type: 'blocking' };
/** Bytes of names and values of `VALID` and of an extra field `x`. */
const VALID_BYTES = flatten({ ...VALID, x: '' }).join('').length;
const FLAT_BYTES = 16 * 1024;
const BATCH_BYTES = 1024 * 1024;
const ELSEWHERE = { ...ONE_SHARD, shard: 1 - swarmShard('s1', 2), shards: 2 };

const flatWith = (text: string): string[] => flatten({ ...VALID, x: text });
const batchOf = (events: readonly unknown[]): string[] => ['events', JSON.stringify(events)];

test('an event with several faults has the first one, in the order of the contract, as its reason', (t) => {
  const x = 'x'.repeat(FLAT_BYTES);
  const bad: Record<string, string> = { x, v: '9', swarm_id: '?', timeout_type: '?' };
  const verdict = (): string => verdictOf(flatten(bad), ELSEWHERE);
  t.is(verdict(), 'too_large');
  delete bad['x'];
  t.is(verdict(), 'missing_field', 'no type');
  bad['type'] = 'no.such_type';
  t.is(verdict(), 'unknown_type');
  bad['type'] = 'timeout';
  t.is(verdict(), 'unsupported_version');
  delete bad['v'];
  t.is(verdict(), 'missing_field', 'no coordinator_id, although other fields are invalid');
  bad['coordinator_id'] = 'c1';
  t.is(verdict(), 'invalid_field');
  bad['swarm_id'] = 's1';
  t.is(verdict(), 'invalid_field');
  bad['timeout_type'] = 'blocking';
  t.is(verdict(), 'wrong_shard');
  t.is(verdictOf(flatten(bad), { ...ELSEWHERE, shard: swarmShard('s1', 2) }), 'ok');
});

test('a flat entry may take 16 KiB and not a byte more, names and values, in UTF-8', (t) => {
  const room = FLAT_BYTES - VALID_BYTES;
  t.is(verdictOf(flatWith('a'.repeat(room))), 'ok');
  t.is(verdictOf(flatWith('a'.repeat(room + 1))), 'too_large');
  for (const [character, bytes] of [
    ['é', 2],
    ['日', 3],
    ['🐝', 4],
    ['\ud800', 3],
    ['\udc00', 3],
  ] as const) {
    const most = Math.floor(room / bytes);
    const rest = 'a'.repeat(room - most * bytes);
    t.is(verdictOf(flatWith(character.repeat(most) + rest)), 'ok', character);
    t.is(verdictOf(flatWith(character.repeat(most) + rest + 'a')), 'too_large', character);
  }
});

test('a batch may take 1 MiB and not a byte more, in UTF-8', (t) => {
  const frame = JSON.stringify([{ ...VALID, x: '' }]).length;
  const filled = (text: string): string[] => batchOf([{ ...VALID, x: text }]);
  t.is(verdictOf(filled('a'.repeat(BATCH_BYTES - frame))), 'ok');
  t.is(verdictOf(filled('a'.repeat(BATCH_BYTES - frame + 1))), 'too_large');
  const room = BATCH_BYTES - frame - 1;
  t.is(verdictOf(filled('é'.repeat(Math.floor(room / 2)))), 'ok');
  t.is(verdictOf(filled('é'.repeat(Math.floor(room / 2) + 1))), 'too_large');
});

test('a batch holds 1 to 1,000 events', (t) => {
  t.is(decodeAll(batchOf(Array.from({ length: 1_000 }, () => VALID))).length, 1_000);
  for (const events of [[], Array.from({ length: 1_001 }, () => VALID)]) {
    const outcomes = decodeAll(batchOf(events));
    t.is(outcomes.length, 1);
    t.like(outcomes[0], { index: undefined, reason: 'invalid_field' });
  }
});

test('an events field that is not a JSON array of objects is one dead letter', (t) => {
  const texts = [
    '',
    '[',
    '{}',
    'null',
    '1',
    '"a"',
    '[1]',
    '[null]',
    '[[]]',
    '["a"]',
    `[${JSON.stringify(VALID)},1]`,
  ];
  for (const text of texts) {
    const outcomes = decodeAll(['events', text]);
    t.is(outcomes.length, 1, text);
    t.like(outcomes[0], {
      index: undefined,
      reason: 'invalid_field',
      fields: JSON.stringify({ events: text }),
    });
  }
});

test('one bad event of a batch is one dead letter, with its index and its fields', (t) => {
  const bad = { type: 'timeout', swarm_id: 's1', note: 'kept', nested: [1, { a: null }] };
  const outcomes = decodeAll(batchOf([VALID, bad, VALID]));
  t.deepEqual(
    outcomes.map(({ index, event }) => [index, event?.type]),
    [
      [0, 'timeout'],
      [1, undefined],
      [2, 'timeout'],
    ],
  );
  t.like(outcomes[1], { reason: 'missing_field', fields: JSON.stringify(bad) });
});

test('a dead letter of a flat entry has all its fields and no index', (t) => {
  const [letter] = decodeAll(['type', 'nope', '__proto__', 'a', 'constructor', 'b']);
  t.like(letter, { index: undefined, reason: 'unknown_type' });
  t.is(
    letter?.event === undefined ? letter?.fields : '',
    '{"type":"nope","__proto__":"a","constructor":"b"}',
  );
});

test('no name of the object prototype is an event type or a field', (t) => {
  for (const type of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf']) {
    t.is(verdictOf(['type', type, 'swarm_id', 's1']), 'unknown_type');
    t.is(verdictOf(batchOf([{ type }])), 'unknown_type');
  }
  t.is(verdictOf(['events', '[{"__proto__":{"type":"timeout"}}]']), 'missing_field');
});

test('a version is a supported plain number, as text or as a JSON number', (t) => {
  for (const v of ['1', 1, 1.0]) t.is(verdictOf(batchOf([{ ...VALID, v }])), 'ok', JSON.stringify(v));
  for (const v of [
    '0',
    '2',
    '01',
    '1.0',
    ' 1',
    '',
    '-1',
    '1e0',
    'latest',
    0,
    2,
    -1,
    1.5,
    1e300,
    null,
    true,
    [1],
    {},
  ]) {
    t.is(verdictOf(batchOf([{ ...VALID, v }])), 'unsupported_version', JSON.stringify(v));
  }
});

test('the last value counts if a field occurs twice in a flat entry', (t) => {
  const [outcome] = decodeAll([...flatten(VALID), 'coordinator_id', 'c2']);
  t.like(outcome?.event, { coordinator_id: 'c2' });
});
