/** Evenly distributed in [0, 1). */
export type Random = () => number;

/**
 * The subject of a schedule. A step is plain data: it says what is done and by whom, and has a meaning (even if it does
 * nothing) whatever was done before it, so that any steps may be left out of a schedule.
 */
export interface Subject<Step> {
  readonly name: string;
  /** A random next step. */
  draw(random: Random): Step;
  /** An empty Redis and an empty model. */
  open(): Promise<World<Step>>;
}

/** Redis, and the model of its expected content. */
interface World<Step> {
  /** Applies the step to both. @throws if the reply differs from the model. */
  take(step: Step): Promise<void>;
  /** @throws if Redis differs from the model. */
  check(): Promise<void>;
  /** Lets everything in progress come to its end. @throws if that end is not the promised one. */
  settle(): Promise<void>;
}

/** Redis and the model differ. */
export class ScheduleError extends Error {
  override readonly name = 'ScheduleError';
}

/** @throws {ScheduleError} if they are not the same, as JSON. */
export function expectSame(what: string, found: unknown, expected: unknown): void {
  const [left, right] = [JSON.stringify(found), JSON.stringify(expected)];
  if (left !== right) throw new ScheduleError(`${what}: expected ${right}; got ${left}`);
}

/** @throws {ScheduleError} if they do not hold the same items, in any order; items in only one of them are named. */
export function expectSameItems(what: string, found: Iterable<unknown>, expected: Iterable<unknown>): void {
  const left = new Map<string, number>();
  for (const item of found) add(left, JSON.stringify(item), 1);
  for (const item of expected) add(left, JSON.stringify(item), -1);
  const differences = [...left].filter(([, count]) => count !== 0);
  if (differences.length === 0) return;
  const show = (sign: number): string =>
    differences
      .flatMap(([item, count]) => (count * sign > 0 ? `${count * sign} times ${item}` : []))
      .join(', ');
  throw new ScheduleError(`${what}: expected also [${show(-1)}]; got in addition [${show(1)}]`);
}

function add(counts: Map<string, number>, item: string, count: number): void {
  counts.set(item, (counts.get(item) ?? 0) + count);
}
