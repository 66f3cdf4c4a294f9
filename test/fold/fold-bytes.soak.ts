import { setImmediate } from 'node:timers/promises';
import { test } from '../harness/ava.ts';
import { readSeed } from '../schedule/read-seed.ts';
import { compareFolds } from './compare-folds.ts';

/** Each time others: the seed is the time, unless SCHEDULE_SEED gives one; FOLD_ENTRIES sets their number. */
const ENTRIES = 20_000_000;
/** Between parts of so many, the test tells ava that it is alive. */
const ENTRIES_AT_ONCE = 100_000;

test('entries folded as bytes come to the same as entries decoded one by one, over millions of entries', async (t) => {
  const seed = readSeed(Date.now() % 2 ** 31);
  const entries = readEntries();
  t.log(`${entries} entries, seed ${seed}`);
  for (let compared = 0, part = 0; compared < entries; part++) {
    t.timeout(1_800_000);
    // Streams of one part have seeds that follow one another.
    compared += compareFolds(seed + part * ENTRIES_AT_ONCE, Math.min(ENTRIES_AT_ONCE, entries - compared));
    await setImmediate();
  }
  t.pass();
});

function readEntries(): number {
  const named = process.env['FOLD_ENTRIES'] ?? String(ENTRIES);
  if (/^[1-9]\d{0,9}$/.test(named)) return Number(named);
  throw new Error(`FOLD_ENTRIES: expected a whole number above 0; got ${named}`);
}
