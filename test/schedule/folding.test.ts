import { test } from '../harness/ava.ts';
import { createFolding } from './folding.ts';
import { startLaboratory } from './laboratory.ts';
import { runSchedules, takeSteps } from './run-schedules.ts';
import { readSeed } from './read-seed.ts';

const STEPS = 2_000;

const laboratory = await startLaboratory();
test.after.always(() => laboratory.stop());

test.serial(
  'in any order of steps, each entry is folded once or counted as lost once, and every view shows the same',
  async (t) => {
    const seed = readSeed(1);
    t.log(`seed ${seed}`);
    t.true((await runSchedules(createFolding(laboratory), { seed, steps: STEPS })) >= STEPS);
  },
);

test.serial('a folded entry that is delivered again and then deleted is not counted as lost', async (t) => {
  await t.notThrowsAsync(
    takeSteps(createFolding(laboratory), [
      { do: 'publish', kind: 'flat', salt: 1 },
      { do: 'read', consumer: 'c0', count: 1 },
      { do: 'commit', consumer: 'c0', reply: 'read' },
      { do: 'moveBack' },
      { do: 'read', consumer: 'c0', count: 1 },
      { do: 'xdel', at: 0 },
    ]),
  );
});
