import type { ExecutionContext } from '../harness/ava.ts';
import { readSeed } from './read-seed.ts';
import { runSchedules } from './run-schedules.ts';
import type { Subject } from './subject.ts';

/** Steps of each of the three subjects: a million in total. */
const STEPS = 350_000;

/**
 * Takes random steps for minutes, different ones each time: the seed is the time, unless SCHEDULE_SEED gives one, and
 * SCHEDULE_STEPS sets their number.
 */
export async function soak<Step>(t: ExecutionContext, subject: Subject<Step>): Promise<void> {
  const seed = readSeed(Date.now());
  const steps = readSteps();
  t.log(`${subject.name}: ${steps} steps, seed ${seed}`);
  t.true((await runSchedules(subject, { seed, steps })) >= steps);
}

function readSteps(): number {
  const named = process.env['SCHEDULE_STEPS'] ?? String(STEPS);
  if (/^[1-9]\d{0,8}$/.test(named)) return Number(named);
  throw new Error(`SCHEDULE_STEPS: expected a whole number above 0; got ${named}`);
}
