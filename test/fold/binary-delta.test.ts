import { createFolding, decodeContent } from '@streamfold/aggregator/round-trips';
import { CATALOGUE, createBinaryDeltaMerger, emptyDelta, noUpcasters } from '@streamfold/core';
import type { FoldedBatch } from '@streamfold/aggregator/round-trips';
import { toComparable } from '../core/comparable-delta.ts';
import { test } from '../harness/ava.ts';
import { generateEvents } from '../harness/generate-events.ts';

const context = { shard: 0, shards: 1, upcasters: noUpcasters };
const BOUNDS = { entries: 100, payloadBytes: 1e9, series: 1e9, deadLetters: 1e9, fieldsCharacters: 1e9 };

/** Batches of 100 entries each. */
function foldBatches(): readonly FoldedBatch[] {
  const fold = createFolding({ catalogue: CATALOGUE, deltaForm: 'binary', context, hashSeed: 1 });
  const folding = fold.begin(BOUNDS);
  let ms = 1_790_000_000_000;
  for (const event of generateEvents(1_000, { seed: 3, bad: true }))
    folding.take({ id: `${ms++}-0`, fields: Object.entries(event).flat(), payloadBytes: 100 });
  return folding.batches;
}

const batches = foldBatches();
const records = batches.map(({ record }) => Buffer.from(record));

function mergeInto(state = emptyDelta(), merged: readonly Buffer[] = records): unknown {
  const merger = createBinaryDeltaMerger(state, 2);
  for (const record of merged) merger.merge(record, '');
  return toComparable(state);
}

test('records merge to the same state in any order and grouping', (t) => {
  const state = mergeInto();
  t.deepEqual(mergeInto(emptyDelta(), records.toReversed()), state);
  const begun = emptyDelta();
  mergeInto(begun, records.slice(0, 4));
  t.deepEqual(mergeInto(begun, records.slice(4)), state);
});

test('a record of no entries changes nothing', (t) => {
  const fold = createFolding({ catalogue: CATALOGUE, deltaForm: 'binary', context, hashSeed: 1 });
  const folding = fold.begin(BOUNDS);
  folding.take({ id: '1-0', fields: undefined, payloadBytes: 0 });
  const [{ record } = { record: '' }] = folding.batches;
  const lost = decodeContent(Buffer.from(record));
  t.deepEqual(
    toComparable(lost),
    toComparable({ ...emptyDelta(), totals: { ...emptyDelta().totals, lostEntries: 1 } }),
  );
});

test('a record that is cut anywhere, or longer, is refused and leaves the state as it was', (t) => {
  const state = emptyDelta();
  const merger = createBinaryDeltaMerger(state, 3);
  const [first = Buffer.alloc(0), second = Buffer.alloc(0)] = records;
  merger.merge(first, '');
  const before = toComparable(state);
  for (let length = 0; length < second.length; length += 7) {
    const cut = second.subarray(0, length);
    t.throws(() => merger.merge(cut, ''), { message: /^delta: expected/ });
    t.throws(() => decodeContent(cut), { message: /^delta: expected/ });
  }
  t.throws(() => merger.merge(Buffer.concat([second, Buffer.of(0)]), ''), {
    message: /^delta: expected the end/,
  });
  t.deepEqual(toComparable(state), before);
});
