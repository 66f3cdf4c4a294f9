import { test } from '../harness/ava.ts';
import { testWithClock } from '../harness/stepped-redis.ts';
import { createCoordination } from './coordination.ts';
import { startLaboratory } from './laboratory.ts';
import { readSeed } from './read-seed.ts';
import { runSchedules } from './run-schedules.ts';

const STEPS = 900;

const laboratory = await startLaboratory();
test.after.always(() => laboratory.stop());

testWithClock(
  'in any order of steps, coordinators match their events, and each signal, ACK, wait and piece of work exists once',
  async (t) => {
    const seed = readSeed(1);
    t.log(`seed ${seed}`);
    t.true((await runSchedules(createCoordination(laboratory), { seed, steps: STEPS })) >= STEPS);
  },
);
