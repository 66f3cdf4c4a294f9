import { createFolding } from '@streamfold/aggregator/round-trips';
import { CATALOGUE, noUpcasters } from '@streamfold/core';
import { test } from '../harness/ava.ts';
import { createReplySource, type Reply } from './generate-replies.ts';

const UNBOUNDED = {
  entries: 1e9,
  payloadBytes: 1e12,
  series: 1e9,
  deadLetters: 1e9,
  fieldsCharacters: 1e9,
};

/** Some of them are reached within an entry, some after hundreds. */
const SERIES = [3, 20, 100];

/** What each batch of a reply touches, and its entries. */
function foldBounded({ bytes }: Reply, bounds: typeof UNBOUNDED): { touched: number; entries: number }[] {
  const context = { shard: 0, shards: 1, upcasters: noUpcasters };
  const folding = createFolding({ catalogue: CATALOGUE, deltaForm: 'binary', context, hashSeed: 7 });
  const read = folding.begin(bounds);
  read.parseReply().push(bytes);
  return read.batches.map(({ columns, entries }) => ({ touched: columns.countTouched(), entries }));
}

test('a batch ends with the entry with which it touches the most series of a commit', (t) => {
  const source = createReplySource(7);
  for (let reply = 0; reply < 4; reply++) {
    const next = source.next();
    const single = foldBounded(next, { ...UNBOUNDED, entries: 1 });
    t.is(single.length, next.entries);
    for (const series of SERIES) {
      const batches = foldBounded(next, { ...UNBOUNDED, series });
      t.is(
        batches.reduce((total, { entries }) => total + entries, 0),
        next.entries,
      );
      for (const [at, { touched, entries }] of batches.entries()) {
        if (at < batches.length - 1) t.true(touched >= series, `batch ${at} of bound ${series}`);
        // Without the last entry the bound was not reached: an entry adds no more than it touches alone.
        const end = batches.slice(0, at + 1).reduce((total, batch) => total + batch.entries, 0);
        const last = single[end - 1]?.touched ?? 0;
        if (entries > 1) t.true(touched - last < series, `batch ${at} of bound ${series}`);
      }
    }
  }
});
