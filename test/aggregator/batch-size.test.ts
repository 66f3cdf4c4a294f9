import { boundCommit, createBatchSize, type BatchSize } from '@streamfold/aggregator/round-trips';
import { ConnectionError } from '@streamfold/redis';
import * as fc from 'fast-check';
import { test } from '../harness/ava.ts';

const LARGEST = boundCommit(1_000);
const FAILURE = new Error('connection lost');
const NO_REPLY = new ConnectionError('no_reply', 'expected a reply; none came');

/** Reads the number of entries that it asks for, each of one size, and commits them. */
function succeed(size: BatchSize, entryBytes: number): void {
  const { count } = size;
  size.read(count, { entries: count, payloadBytes: count * entryBytes });
  size.committed();
}

const step = fc.oneof(
  fc.record({ entries: fc.integer({ min: 0, max: 1_000 }), bytes: fc.integer({ min: 0, max: 2 ** 21 }) }),
  fc.constantFrom('committed' as const, 'failed' as const, 'no_reply' as const, 'anew' as const),
);

test('whatever happens, a read asks for at least 1 entry and at most the largest batch, and no bound of a commit is below 1', (t) => {
  const property = fc.property(fc.array(step, { maxLength: 100, size: 'max' }), (steps) => {
    const size = createBatchSize(LARGEST);
    for (const each of steps) {
      if (each === 'committed') size.committed();
      else if (each === 'failed') size.failed(FAILURE);
      else if (each === 'no_reply') size.failed(NO_REPLY);
      else if (each === 'anew') size.startAnew();
      else size.read(size.count, { entries: each.entries, payloadBytes: each.entries * each.bytes });
      t.true(Number.isInteger(size.count) && size.count >= 1 && size.count <= LARGEST.entries);
      for (const bound of Object.values(size.bounds)) t.true(Number.isInteger(bound) && bound >= 1);
    }
  });
  fc.assert(property, { numRuns: 200, seed: 53 });
});

test('a read begins with 1 entry, and asks for no more bytes than a commit takes', (t) => {
  const size = createBatchSize(LARGEST);
  t.is(size.count, 1);
  const entryBytes = 64 * 1024;
  for (let reads = 0; reads < 10; reads++) succeed(size, entryBytes);
  t.is(size.count, LARGEST.payloadBytes / entryBytes);
});

test('one lost connection changes nothing; after a second failure in a row, or no reply in time, a read asks for less', (t) => {
  for (const failures of [[FAILURE, FAILURE], [NO_REPLY]]) {
    const size = createBatchSize(LARGEST);
    for (let reads = 0; reads < 10; reads++) succeed(size, 10);
    t.is(size.count, LARGEST.entries);
    size.failed(FAILURE);
    t.is(size.count, LARGEST.entries);
    size.committed();
    for (const failure of failures) size.failed(failure);
    t.true(size.count < LARGEST.entries);
    t.true(size.bounds.payloadBytes < LARGEST.payloadBytes);
  }
});

test('after failures the bounds grow back to the largest with each success', (t) => {
  const size = createBatchSize(LARGEST);
  for (let failures = 0; failures < 50; failures++) size.failed(NO_REPLY);
  t.is(size.count, 1);
  t.is(size.bounds.payloadBytes, 1);
  for (let reads = 0; reads < 1_000; reads++) succeed(size, 10);
  t.deepEqual(size.bounds, LARGEST);
  t.is(size.count, LARGEST.entries);
});

test('a read asks for no more entries than are wanted at that moment, and for more again once more are wanted', (t) => {
  let most = 100;
  const size = createBatchSize(LARGEST, () => most);
  for (let reads = 0; reads < 10; reads++) succeed(size, 10);
  t.is(size.count, 100);
  most = LARGEST.entries;
  for (let reads = 0; reads < 10; reads++) succeed(size, 10);
  t.is(size.count, LARGEST.entries);
});
