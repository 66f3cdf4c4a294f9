import { test } from '../harness/ava.ts';
import { testWithClock } from '../harness/stepped-redis.ts';
import { createCoordination } from './coordination.ts';
import { startLaboratory } from './laboratory.ts';
import { soak } from './soak.ts';

const laboratory = await startLaboratory();
test.after.always(() => laboratory.stop());

testWithClock(
  'in any order of steps, coordinators match their events, and each signal, ACK, wait and piece of work exists once',
  (t) => soak(t, createCoordination(laboratory)),
);
