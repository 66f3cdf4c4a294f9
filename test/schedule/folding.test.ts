import test from 'ava';
import { createFolding } from './folding.ts';
import { startLaboratory } from './laboratory.ts';
import { runSchedules } from './run-schedules.ts';
import { readSeed } from './read-seed.ts';

const STEPS = 10_000;

const laboratory = await startLaboratory();
test.after.always(() => laboratory.stop());

test('in any order of steps, each entry is folded once or counted as lost once, and every view shows the same', async (t) => {
  const seed = readSeed(1);
  t.log(`seed ${seed}`);
  t.true((await runSchedules(createFolding(laboratory), { seed, steps: STEPS })) >= STEPS);
});
