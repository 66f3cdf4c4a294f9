import { createRandom } from '../harness/generate-events.ts';
import { shrinkSteps } from './shrink-steps.ts';
import { ScheduleError, type Subject } from './subject.ts';

/** Steps of one schedule: enough for things to meet, few enough to be shrunk quickly. */
const SCHEDULE_STEPS = 80;
const SHRINK_TRIES = 400;

/**
 * Takes at least `steps` random steps of a subject, in several schedules. After each step Redis is compared with the model.
 *
 * @throws {ScheduleError} at the first difference, with the seed and the fewest steps that lead to it.
 */
export async function runSchedules<Step>(
  subject: Subject<Step>,
  { seed, steps }: { readonly seed: number; readonly steps: number },
): Promise<number> {
  let taken = 0;
  for (let at = 0; taken < steps; at++) {
    const schedule = drawSchedule(subject, seed + at);
    const failure = await findFailure(subject, schedule);
    if (failure !== undefined) throw await explain(subject, schedule, { seed: seed + at, failure });
    taken += schedule.length;
  }
  return taken;
}

/** Takes the given steps, such as those that a failure has printed. @throws {ScheduleError} at the first difference. */
export async function takeSteps<Step>(subject: Subject<Step>, schedule: readonly Step[]): Promise<void> {
  const failure = await findFailure(subject, schedule);
  if (failure !== undefined) throw failure;
}

function drawSchedule<Step>(subject: Subject<Step>, seed: number): Step[] {
  const random = createRandom(seed);
  return Array.from({ length: SCHEDULE_STEPS }, () => subject.draw(random));
}

/** The failure of a schedule; `undefined` if it does not fail. */
async function findFailure<Step>(
  subject: Subject<Step>,
  schedule: readonly Step[],
): Promise<Error | undefined> {
  const world = await subject.open();
  try {
    for (const step of schedule) {
      await world.take(step);
      await world.check();
    }
    await world.settle();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

async function explain<Step>(
  subject: Subject<Step>,
  schedule: readonly Step[],
  { seed, failure }: { seed: number; failure: Error },
): Promise<ScheduleError> {
  const kind = kindOf(failure);
  const fewest = await shrinkSteps(
    schedule,
    async (steps) => {
      const other = await findFailure(subject, steps);
      return other !== undefined && kindOf(other) === kind;
    },
    SHRINK_TRIES,
  );
  const last = (await findFailure(subject, fewest)) ?? failure;
  const lines = fewest.map((step) => `  ${JSON.stringify(step)}`);
  return new ScheduleError(
    `${subject.name}, seed ${seed}: ${last.message}, after these ${fewest.length} steps:\n${lines.join('\n')}`,
    { cause: last },
  );
}

/** The comparison that failed, without the values: a shrunk schedule must fail at the same one. */
function kindOf({ message }: Error): string {
  return message.split(':')[0] ?? '';
}
