import { EVENT_TYPES, type Event } from '@streamfold/core';
import { test } from '../harness/ava.ts';
import { amount } from '../harness/soaking.ts';
import { decodeAll, type Outcome } from './decode-all.ts';
import { CONTRACT, generateWireFields, type JsonFields } from './generate-wire-fields.ts';

/** Inputs compared. */
const INPUTS = amount({ test: 12_000, soak: 2_000_000 });
const FLAT_INPUTS = amount({ test: 30_000, soak: 500_000 });
const BATCH_EVENTS = 1_000;

const schemas = new Map(EVENT_TYPES.map(({ type, schema }) => [type, schema]));
const required = new Map(
  Object.entries(CONTRACT).map(([type, rules]) => [
    type,
    ['swarm_id', ...Object.keys(rules).filter((name) => rules[name]?.endsWith('!'))],
  ]),
);

/** The verdict of the zod schema on fields, with reasons in the order of the contract. */
function judge(fields: JsonFields): Event | string {
  const { type, v } = fields;
  if (type === undefined) return 'missing_field';
  const schema = typeof type === 'string' ? schemas.get(type) : undefined;
  if (typeof type !== 'string' || schema === undefined) return 'unknown_type';
  if (v !== undefined && v !== '1' && v !== 1) return 'unsupported_version';
  for (const name of required.get(type) ?? []) if (fields[name] === undefined) return 'missing_field';
  const parsed = schema.safeParse(toTexts(fields));
  return parsed.success ? (parsed.data as unknown as Event) : 'invalid_field';
}

/** All numbers as texts without an exponent, as the schemas see them. */
function toTexts(fields: JsonFields): JsonFields {
  let texts: Record<string, unknown> | undefined;
  for (const name in fields) {
    const value = fields[name];
    if (typeof value !== 'number') continue;
    texts ??= { ...fields };
    texts[name] = value !== 0 && Math.abs(value) < 1e-6 ? value.toFixed(20) : String(value);
  }
  return texts ?? fields;
}

function differs(expected: Event | string, outcome: Outcome | undefined): boolean {
  if (outcome === undefined) return true;
  if (outcome.event === undefined) return outcome.reason !== expected;
  return typeof expected === 'string' || !haveEqualFields(expected, outcome.event);
}

function haveEqualFields(left: Event, right: Event): boolean {
  const [a, b]: readonly [JsonFields, JsonFields] = [left, right];
  for (const name in a) if (!Object.is(a[name], b[name])) return false;
  for (const name in b) if (!Object.hasOwn(a, name)) return false;
  return true;
}

test('decoding and the schemas agree on random events: same verdict, same values', (t) => {
  t.timeout(600_000);
  const generator = generateWireFields(20_261);
  const verdicts = new Map<string, number>();
  for (let done = 0; done < INPUTS; done += BATCH_EVENTS) {
    const events: JsonFields[] = [];
    while (events.length < BATCH_EVENTS) events.push(generator.next().value);
    const outcomes = decodeAll(['events', JSON.stringify(events)]);
    if (outcomes.length !== BATCH_EVENTS) t.fail(`expected ${BATCH_EVENTS} outcomes, got ${outcomes.length}`);
    for (const [index, fields] of events.entries()) {
      const expected = judge(fields);
      const outcome = outcomes[index];
      if (outcome?.index !== index || differs(expected, outcome)) {
        t.deepEqual<unknown, unknown>(outcome, expected, JSON.stringify(fields));
      }
      const verdict = typeof expected === 'string' ? expected : 'ok';
      verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
    }
  }
  for (const verdict of ['ok', 'missing_field', 'invalid_field', 'unknown_type', 'unsupported_version']) {
    t.true((verdicts.get(verdict) ?? 0) > INPUTS / 200, `${verdict}: ${verdicts.get(verdict) ?? 0}`);
  }
});

test('a flat entry and a batch of one decode to the same event', (t) => {
  const generator = generateWireFields(7);
  for (let number = 0; number < FLAT_INPUTS; number++) {
    const fields = generator.next().value;
    const texts = Object.entries(fields).filter(
      (field): field is [string, string] => typeof field[1] === 'string',
    );
    const [flat] = decodeAll(texts.flat());
    const [batched] = decodeAll(['events', JSON.stringify([Object.fromEntries(texts)])]);
    const isLostBatch = texts.length === 1 && texts[0]?.[0] === 'events';
    if (isLostBatch) continue;
    if (flat?.event !== undefined || batched?.event !== undefined) {
      if (JSON.stringify(flat) !== JSON.stringify(batched)) t.deepEqual(flat, batched);
    } else if (flat?.reason !== batched?.reason || flat?.fields !== batched?.fields)
      t.deepEqual(flat, batched);
  }
  t.pass();
});
