import { test } from '../harness/ava.ts';
import { createGenerations } from './generations.ts';
import { startLaboratory } from './laboratory.ts';
import { soak } from './soak.ts';

const laboratory = await startLaboratory();
test.after.always(() => laboratory.stop());

test('in any order of steps of rebuilds, every generation folds each entry once, and no generation in use is dropped', (t) =>
  soak(t, createGenerations(laboratory)));
