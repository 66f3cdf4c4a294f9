import { test } from '../harness/ava.ts';
import { createFolding } from './folding.ts';
import { startLaboratory } from './laboratory.ts';
import { runSchedules, takeSteps } from './run-schedules.ts';
import { readSeed } from './read-seed.ts';

const STEPS = 1_200;

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
      { do: 'commit', consumer: 'c0', under: 'own', reply: 'read' },
      { do: 'moveBack', to: 0 },
      { do: 'read', consumer: 'c0', count: 1 },
      { do: 'xdel', at: 0 },
    ]),
  );
});

const kept = { under: 'own', reply: 'read' } as const;

test.serial(
  'an entry between two committed ones that no consumer has is folded when it is delivered again',
  async (t) => {
    await t.notThrowsAsync(
      takeSteps(createFolding(laboratory), [
        { do: 'publish', kind: 'flat', salt: 1 },
        { do: 'publish', kind: 'flat', salt: 2 },
        { do: 'publish', kind: 'flat', salt: 3 },
        { do: 'publish', kind: 'flat', salt: 4 },
        { do: 'read', consumer: 'c2', count: 1 },
        { do: 'read', consumer: 'c0', count: 1 },
        { do: 'read', consumer: 'c1', count: 1 },
        { do: 'read', consumer: 'c0', count: 1 },
        { do: 'readPending', consumer: 'c0', under: 'own', count: 4 },
        { do: 'moveBack', to: 0 },
        { do: 'delConsumer', consumer: 'c1', under: 'own' },
        { do: 'commit', consumer: 'c0', ...kept },
      ]),
    );
  },
);

test.serial(
  'an entry deleted while pending is counted as lost, although its neighbours are read together',
  async (t) => {
    await t.notThrowsAsync(
      takeSteps(createFolding(laboratory), [
        { do: 'publish', kind: 'flat', salt: 1 },
        { do: 'publish', kind: 'flat', salt: 2 },
        { do: 'publish', kind: 'flat', salt: 3 },
        { do: 'read', consumer: 'c1', count: 1 },
        { do: 'read', consumer: 'c0', count: 1 },
        { do: 'xdel', at: 1 },
        { do: 'moveBack', to: 0 },
        { do: 'readAhead', consumer: 'c2', count: 3 },
        { do: 'commit', consumer: 'c2', under: 'ahead', reply: 'read' },
      ]),
    );
  },
);
