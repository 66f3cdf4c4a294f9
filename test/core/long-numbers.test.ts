import { assert, bigInt, json as anyJson, property, string } from 'fast-check';
import { test } from '../harness/ava.ts';
import { encodeEvent, parseJson, type EventInput } from '@streamfold/core';
import { decodeAll } from './decode-all.ts';

/** Snowflake ids that are equal as doubles. */
const IDS = ['1234567890123456789', '1234567890123456788', '9007199254740993'] as const;

function batch(ids: readonly string[]): string[] {
  const events = ids.map((id) => `{"type":"coordinator.started","swarm_id":7,"coordinator_id":${id}}`);
  return ['events', `[${events.join(', ')}]`];
}

test('64-bit ids written as JSON numbers stay distinct, with the digits as written', (t) => {
  t.deepEqual(
    decodeAll(batch(IDS)).map(({ event }) => event?.type === 'coordinator.started' && event.coordinator_id),
    [...IDS],
  );
});

test('an id with digits that a double cannot hold is a dead letter, not another id', (t) => {
  const rounded = batch(['1234567890123456789e0', '1e400']);
  t.deepEqual(
    decodeAll(rounded).map((outcome) => (outcome.event === undefined ? outcome.reason : outcome.event)),
    ['invalid_field', 'invalid_field'],
  );
});

test('a publisher cannot publish an id that JavaScript has already rounded', (t) => {
  const event = { type: 'coordinator.started', swarm_id: 's', coordinator_id: Number(IDS[0]) };
  const encoded = encodeEvent(event as unknown as EventInput);
  t.false(encoded.ok);
  t.regex(encoded.ok ? '' : encoded.detail, /a number too large to be exact: send it as a text/);
});

test('JSON with long numbers is read as by JSON.parse, except for those numbers', (t) => {
  assert(
    property(anyJson(), bigInt({ min: 10n ** 15n, max: 2n ** 64n }), string(), (json, long, name) => {
      const key = JSON.stringify(`${name}:${long}`);
      const text = `{${key}:[${json}, ${long} ,-${long}],"a":${json},"b": ${long}.5}`;
      const digits = new Set([String(long), `-${long}`, `${long}.5`]);
      const plain = JSON.parse(text) as Record<string, unknown>;
      const parsed = parseJson(text) as Record<string, unknown>;
      t.deepEqual(Object.keys(parsed), Object.keys(plain));
      t.true(digits.has(String((parsed[`${name}:${long}`] as unknown[])[1])));
      const short = JSON.stringify(plain['a']);
      if (!/[\d.]{15}/.test(short)) t.deepEqual(parsed['a'], plain['a']); // a decimal is long too
    }),
  );
  t.throws(() => parseJson('{1234567890123456789:1}'), { instanceOf: SyntaxError });
});
