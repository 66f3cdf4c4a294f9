import {
  encodeEvent,
  toFlatFields,
  type EncodedEvent,
  type EventInput,
  type InvalidEvent,
} from '@streamfold/core';
import * as fc from 'fast-check';
import { test } from '../harness/ava.ts';
import { amount } from '../harness/soaking.ts';
import { decodeAll, verdictOf } from './decode-all.ts';
import { generateWireFields } from './generate-wire-fields.ts';

/** Encodes values that the types do not allow. */
function encode(junk: unknown): EncodedEvent | InvalidEvent {
  return encodeEvent(junk as EventInput);
}

const RECOVERED = { type: 'heartbeat.recovered', swarm_id: 's', coordinator_id: 'c' } as const;

const INPUTS = amount({ test: 20_000, soak: 500_000 });

test('an encoded event decodes to the same event, flat and in a batch; a refused one would be a dead letter', (t) => {
  const generator = generateWireFields(99);
  let accepted = 0;
  for (let number = 0; number < INPUTS; number++) {
    const given = generator.next().value;
    const encoded = encode(given);
    const asJson = ['events', JSON.stringify([given])];
    if (encoded.ok) {
      accepted++;
      const [flat] = decodeAll(toFlatFields(encoded));
      const [batched] = decodeAll(['events', `[${encoded.text}]`]);
      const [original] = decodeAll(asJson);
      const same =
        JSON.stringify(flat) === JSON.stringify(batched) && JSON.stringify(flat) === JSON.stringify(original);
      if (flat?.event === undefined || !same) t.deepEqual([flat, batched], [original, original]);
    } else {
      const verdict = verdictOf(asJson);
      const extraOnly = verdict === 'ok' && encoded.reason === 'invalid_field';
      if (verdict !== encoded.reason && !extraOnly) t.is(verdict, encoded.reason, JSON.stringify(given));
    }
  }
  t.true(accepted > INPUTS / 5);
});

test('an extra field that is neither text nor a number is refused', (t) => {
  t.like(encode({ ...RECOVERED, note: { nested: true } }), {
    ok: false,
    reason: 'invalid_field',
    field: 'note',
  });
});

test('extra fields are kept, whatever their names', (t) => {
  const encoded = encode(
    JSON.parse(
      '{"__proto__":"a","constructor":"b","toString":"c","type":"heartbeat.recovered","swarm_id":"s","coordinator_id":"c"}',
    ),
  );
  t.deepEqual(encoded.ok && toFlatFields(encoded).slice(0, 6), [
    '__proto__',
    'a',
    'constructor',
    'b',
    'toString',
    'c',
  ]);
});

test('fields that are undefined are left out', (t) => {
  t.deepEqual(encode({ ...RECOVERED, id: undefined, at: undefined }), encode(RECOVERED));
});

test('an encoded event takes at most the 16 KiB that a flat entry may take', (t) => {
  const bytes = Object.entries(RECOVERED).flat().join('').length;
  for (const [character, size] of [
    ['a', 1],
    ['é', 2],
    ['日', 3],
    ['🐝', 4],
    ['\ud800', 3],
  ] as const) {
    const room = 16 * 1024 - bytes - 1;
    const x = character.repeat(Math.floor(room / size)) + 'a'.repeat(room % size);
    const most = encode({ ...RECOVERED, x });
    t.true(most.ok && verdictOf(toFlatFields(most)) === 'ok', character);
    t.like(encode({ ...RECOVERED, x: `${x}a` }), { ok: false, reason: 'too_large' });
  }
});

test('durations are written as plain decimals', (t) => {
  const acked = { ...RECOVERED, type: 'wait.finished', status: 'error' };
  for (const duration_ms of [0, 5e-324, 5.5e-17, 1e-7, 1.234567890123456e-6, 0.0005, 12.5, 31_536_000_000]) {
    const encoded = encode({ ...acked, duration_ms });
    const flat = encoded.ok ? toFlatFields(encoded) : [];
    t.is(verdictOf(flat), 'ok', String(duration_ms));
    t.regex(flat.at(-1) ?? '', /^\d+(\.\d+)?$/);
  }
  for (const duration_ms of [-1, -1e-9, Number.NaN, Infinity, 1e21, 31_536_000_000.001]) {
    t.like(encode({ ...acked, duration_ms }), { reason: 'invalid_field', field: 'duration_ms' });
  }
});

test('only own fields of the object make an event: exactly the validated fields are encoded', (t) => {
  t.like(encode(Object.create(RECOVERED)), { ok: false, reason: 'missing_field', field: 'type' });
  let reads = 0;
  const shifting = {
    ...RECOVERED,
    get coordinator_id() {
      return reads++ === 0 ? 'c' : '?';
    },
  };
  t.deepEqual(encode(shifting), encode({ ...RECOVERED, coordinator_id: 'c' }));
});

test('nothing makes encoding throw', (t) => {
  const throwing = {
    get type(): string {
      throw new Error('never mind');
    },
  };
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  const bare: unknown = Object.create(null);
  const junk = [
    undefined,
    null,
    1,
    1n,
    Symbol('x'),
    'text',
    true,
    [],
    () => 0,
    bare,
    throwing,
    proxy,
    new Date(0),
    new Map(),
  ];
  for (const each of junk) {
    t.false(encode(each).ok);
    t.false(encode({ type: each }).ok);
    t.like(encode({ ...RECOVERED, swarm_id: each }), { ok: each === 1 || each === 'text' });
    t.like(encode({ ...RECOVERED, v: each }), { ok: each === 1 || each === undefined });
  }
  fc.assert(
    fc.property(fc.anything({ withBigInt: true, withNullPrototype: true, withMap: true }), (each) => {
      t.false(encode(each).ok);
      t.notThrows(() => encode({ ...RECOVERED, note: each, v: each }));
    }),
    { numRuns: 2_000, seed: 61 },
  );
});
