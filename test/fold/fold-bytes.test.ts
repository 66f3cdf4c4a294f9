import { setImmediate } from 'node:timers/promises';
import { test } from '../harness/ava.ts';
import { compareFolds } from './compare-folds.ts';

/** Other seeds, and many more entries: `npm run test:soak`. */
const ENTRIES = 500_000;
/** Between parts of so many, other tests of the suite have their turn. */
const ENTRIES_AT_ONCE = 20_000;
const SEED = 7;

test('entries folded as bytes come to the same as entries decoded one by one, dead letters included', async (t) => {
  t.timeout(600_000);
  let compared = 0;
  for (let part = 0; compared < ENTRIES; part++) {
    compared += compareFolds(SEED + part * ENTRIES_AT_ONCE, ENTRIES_AT_ONCE);
    await setImmediate();
  }
  t.true(compared >= ENTRIES);
});
