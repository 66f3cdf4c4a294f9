import type { ExecutionContext } from 'ava';
import { readSeed } from './read-seed.ts';
import { runSchedules } from './run-schedules.ts';
import type { Subject } from './subject.ts';

/** Of each subject. */
const STEPS = 350_000;
/** A slow machine takes fewer steps. Two of three subjects run at a time: ten minutes in all. */
const LONGEST_MS = 300_000;

/** Takes random steps for minutes, each time others: the seed is the time, unless SCHEDULE_SEED gives one. */
export async function soak<Step>(t: ExecutionContext, subject: Subject<Step>): Promise<void> {
  const seed = readSeed(Date.now());
  t.log(`${subject.name}: seed ${seed}`);
  const until = performance.now() + LONGEST_MS;
  const taken = await runSchedules(subject, { seed, steps: STEPS, until });
  t.log(`${subject.name}: ${taken} steps`);
  t.true(taken > 0);
}
