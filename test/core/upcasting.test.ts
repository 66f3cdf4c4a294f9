import { noUpcasters, type Upcasters } from '@streamfold/core';
import { test } from '../harness/ava.ts';
import { decodeAll, flatten, ONE_SHARD, verdictOf } from './decode-all.ts';

/** A type whose first version had seconds, and the name `coordinator`. */
const upcasters: Upcasters = new Map([
  [
    'wait.finished',
    new Map([
      [
        0,
        ({ coordinator, seconds, ...fields }) => {
          if (typeof coordinator !== 'string') throw new TypeError('coordinator: expected a text');
          return { ...fields, coordinator_id: coordinator, duration_ms: Number(seconds) * 1_000 };
        },
      ],
    ]),
  ],
]);
const context = { ...ONE_SHARD, upcasters };

const OLD = {
  type: 'wait.finished',
  v: '0',
  swarm_id: 's',
  coordinator: 'c',
  seconds: '1.5',
  status: 'error',
};
const NEW = {
  type: 'wait.finished',
  swarm_id: 's',
  coordinator_id: 'c',
  duration_ms: '1500',
  status: 'error',
};

test('an event of an older version decodes as if it had been published in the current one', (t) => {
  const [expected] = decodeAll(flatten(NEW));
  t.deepEqual(decodeAll(flatten(OLD), context), [expected]);
  t.deepEqual(decodeAll(['events', JSON.stringify([{ ...OLD, v: 0, seconds: 1.5 }])], context), [expected]);
});

test('an event of the current version goes through no upcaster', (t) => {
  t.is(verdictOf(flatten(NEW), context), 'ok');
  t.is(verdictOf(flatten({ ...NEW, v: '1' }), context), 'ok');
});

test('the event that an upcaster returns is validated like any other', (t) => {
  t.is(verdictOf(flatten({ ...OLD, seconds: '-1' }), context), 'invalid_field');
  t.is(verdictOf(flatten({ ...OLD, swarm_id: '?' }), context), 'invalid_field');
  const { status, ...rest } = OLD;
  t.is(status, 'error');
  t.is(verdictOf(flatten(rest), context), 'missing_field');
});

test('an upcaster that throws makes a dead letter that says why, with the original fields', (t) => {
  const { coordinator, ...rest } = OLD;
  t.is(coordinator, 'c');
  const [outcome] = decodeAll(flatten(rest), context);
  t.like(outcome, { reason: 'invalid_field', fields: JSON.stringify(rest) });
  t.regex(outcome?.event === undefined ? (outcome?.detail ?? '') : '', /coordinator: expected a text/);
});

test('a version without an upcaster, or a future one, is unsupported', (t) => {
  t.is(verdictOf(flatten(OLD), { ...ONE_SHARD, upcasters: noUpcasters }), 'unsupported_version');
  t.is(verdictOf(flatten({ ...NEW, v: '2' }), context), 'unsupported_version');
  t.is(verdictOf(flatten({ ...NEW, v: '999999' }), context), 'unsupported_version');
  t.is(verdictOf(flatten({ ...OLD, type: 'timeout' }), context), 'unsupported_version');
});
