import { test } from '../harness/ava.ts';
import { createGenerations } from './generations.ts';
import { startLaboratory } from './laboratory.ts';
import { readSeed } from './read-seed.ts';
import { runSchedules } from './run-schedules.ts';

const STEPS = 600;

const laboratory = await startLaboratory();
test.after.always(() => laboratory.stop());

test('in any order of steps of rebuilds, every generation folds each entry once, and no generation in use is dropped', async (t) => {
  const seed = readSeed(1);
  t.log(`seed ${seed}`);
  t.true((await runSchedules(createGenerations(laboratory), { seed, steps: STEPS })) >= STEPS);
});
