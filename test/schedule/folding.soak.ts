import { test } from '../harness/ava.ts';
import { createFolding } from './folding.ts';
import { startLaboratory } from './laboratory.ts';
import { soak } from './soak.ts';

const laboratory = await startLaboratory();
test.after.always(() => laboratory.stop());

test('in any order of steps, each entry is folded once or counted as lost once, and every view shows the same', (t) =>
  soak(t, createFolding(laboratory)));
