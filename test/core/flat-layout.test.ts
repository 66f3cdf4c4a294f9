import test from 'ava';
import { createRandom } from '../harness/generate-events.ts';
import { decodeAll, type Outcome } from './decode-all.ts';
import { generateWireFields } from './generate-wire-fields.ts';

const ENTRIES = 50_000;

/** What the names alone say: no layout begins with a field that is not the type. */
function decodeByName(fields: readonly string[]): Outcome[] {
  return decodeAll(['before the type', '', ...fields]);
}

/** Outcomes without the fields of dead letters. */
function verdictsOf(outcomes: readonly Outcome[]): unknown[] {
  return outcomes.map((outcome) => (outcome.event === undefined ? { ...outcome, fields: '' } : outcome));
}

test('a flat entry means what its names say, in whatever order, twice or without a value', (t) => {
  const random = createRandom(51);
  const below = (n: number): number => Math.floor(random() * n);
  const generator = generateWireFields(52);
  let decoded = 0;
  for (let entry = 0; entry < ENTRIES; entry++) {
    const pairs = Object.entries(generator.next().value).map(([name, value]) => [name, String(value)]);
    if (below(20) === 0) pairs.push([pairs[below(pairs.length)]?.[0] ?? 'v', ['1', 'a', ''][below(3)] ?? '']);
    if (below(20) === 0) pairs.splice(1 + below(pairs.length), 0, ...pairs.splice(1, 1));
    const fields = pairs.flat();
    if (below(50) === 0) fields.pop();
    if (fields.length === 2 && fields[0] === 'events') continue;
    const outcomes = verdictsOf(decodeAll(fields));
    const expected = verdictsOf(decodeByName(fields));
    if (JSON.stringify(outcomes) !== JSON.stringify(expected)) t.deepEqual(outcomes, expected, fields.join());
    if (JSON.stringify(outcomes).includes('"event"')) decoded++;
  }
  t.true(decoded > ENTRIES / 2, `${decoded} decoded`);
});

test.serial('of a field that comes twice the last one counts, in every entry that has it twice', (t) => {
  const twice = ['type', 'heartbeat.recovered', 'swarm_id', 's', 'v', '1', 'coordinator_id'];
  for (let repeat = 0; repeat < 3; repeat++) {
    const [good] = decodeAll([...twice, 'a b', 'coordinator_id', 'c']);
    t.like(good?.event, { coordinator_id: 'c' });
    t.like(decodeAll([...twice, 'c', 'coordinator_id', 'a b']), [{ reason: 'invalid_field' }]);
  }
});

test.serial('an entry with the names of one before it, but another version, is not taken for it', (t) => {
  for (const v of ['1', '', '0', '01', '1.0', '2']) {
    const [outcome] = decodeAll([
      'type',
      'heartbeat.recovered',
      'v',
      v,
      'swarm_id',
      's',
      'coordinator_id',
      'c',
    ]);
    if (v === '1') t.is(outcome?.event?.v, 1);
    else t.like(outcome, { reason: 'unsupported_version' }, v);
  }
});
