import { setTimeout as pause } from 'node:timers/promises';

/** Interval between checks of a condition, ms. */
const POLL_MS = 10;

/**
 * Resolves when `condition` holds.
 *
 * @throws {Error} if it does not hold within `deadlineMs`, or `isHopeless` says why it never will.
 */
export async function waitFor(
  what: string,
  condition: () => Promise<boolean>,
  { deadlineMs, isHopeless }: { deadlineMs: number; isHopeless: () => string | undefined },
): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!(await condition())) {
    const why = isHopeless();
    if (why !== undefined) throw new Error(`expected ${what}; ${why}`);
    if (performance.now() > deadline) throw new Error(`expected ${what} within ${deadlineMs} ms`);
    await pause(POLL_MS);
  }
}
