import * as fc from 'fast-check';
import { anyCharacter } from '../harness/any-character.ts';
import { test } from '../harness/ava.ts';
import { decodeAll, verdictOf } from './decode-all.ts';

const NAMES = [
  'type',
  'events',
  'swarm_id',
  'coordinator_id',
  'v',
  'id',
  'at',
  '__proto__',
  'constructor',
  'toString',
];
const TEXTS = [
  'timeout',
  'signal.sent',
  'wait.finished',
  '1',
  '0',
  '__proto__',
  '[]',
  '[{}]',
  '\ud800',
  '\udfff\ud800',
];
const anyText = fc.oneof(fc.string({ unit: anyCharacter }), fc.constantFrom(...TEXTS), fc.json());
const anyName = fc.oneof(fc.constantFrom(...NAMES), fc.string({ unit: anyCharacter }));
const anyFields = fc.array(fc.tuple(anyName, anyText), { maxLength: 12 }).map((pairs) => pairs.flat());
const anyObject = fc.dictionary(anyName, fc.oneof(anyText, fc.double(), fc.jsonValue()));

test('whatever the fields of a flat entry are, it is one event or one dead letter', (t) => {
  fc.assert(
    fc.property(anyFields, (fields) => {
      if (fields.length === 2 && fields[0] === 'events') return;
      const outcomes = decodeAll(fields);
      t.is(outcomes.length, 1);
      t.is(outcomes[0]?.index, outcomes[0]?.event === undefined ? undefined : 0);
    }),
    { numRuns: 1_000, seed: 1 },
  );
});

test('whatever the objects of a batch are, each is one event or one dead letter at its index', (t) => {
  fc.assert(
    fc.property(fc.array(anyObject, { minLength: 1, maxLength: 20 }), (events) => {
      const outcomes = decodeAll(['events', JSON.stringify(events)]);
      t.deepEqual(
        outcomes.map(({ index }) => index),
        events.map((_, index) => index),
      );
    }),
    { numRuns: 500, seed: 2 },
  );
});

test('whatever the text of a batch is, it decodes to at least one event or dead letter', (t) => {
  fc.assert(
    fc.property(anyText, (text) => t.true(decodeAll(['events', text]).length > 0)),
    { numRuns: 1_000, seed: 3 },
  );
});

test('the fields of a dead letter are a JSON object with the names and values that arrived', (t) => {
  fc.assert(
    fc.property(anyFields, (fields) => {
      const [outcome] = decodeAll(['type', 'nope', ...fields]);
      if (outcome === undefined || outcome.event !== undefined) return;
      const kept = JSON.parse(outcome.fields) as Record<string, unknown>;
      const last = new Map<string, unknown>([['type', 'nope']]);
      for (let at = 0; at < fields.length; at += 2) last.set(fields[at] ?? '', fields[at + 1]);
      t.deepEqual(new Map(Object.entries(kept)), last);
    }),
    { numRuns: 500, seed: 4 },
  );
});

test('an object nested deeper than any stack is an ordinary dead letter', (t) => {
  const levels = 500_000;
  const nested = '['.repeat(levels) + ']'.repeat(levels);
  const [letter, next] = decodeAll([
    'events',
    `[{"type":"nope","note":"kept","a":${nested}},{"type":"heartbeat.recovered","swarm_id":"s","coordinator_id":"c"}]`,
  ]);
  t.is(
    letter?.event === undefined ? letter?.fields : '',
    '{"type":"nope","note":"kept","a":"(nested too deeply to be written; see the entry)"}',
  );
  t.like(next, { index: 1, event: { type: 'heartbeat.recovered' } });
  t.is(verdictOf(['events', nested]), 'invalid_field');
  t.is(verdictOf(['events', '['.repeat(levels)]), 'invalid_field');
});

test('an entry of many megabytes is a dead letter, even if its JSON is longer than a string may be', (t) => {
  const megabytes = '\u0000'.repeat(100_000_000);
  const [letter] = decodeAll(['type', 'timeout', 'x', megabytes]);
  t.like(letter, { reason: 'too_large' });
});
