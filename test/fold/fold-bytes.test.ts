import { test } from '../harness/ava.ts';
import { compareFolds } from './compare-folds.ts';

/** Other seeds, and many more entries: `npm run test:soak`. */
const ENTRIES = 500_000;
const SEED = 7;

test('entries folded as bytes come to the same as entries decoded one by one, dead letters included', (t) => {
  t.true(compareFolds(SEED, ENTRIES) >= ENTRIES);
});
