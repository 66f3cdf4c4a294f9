import { setTimeout as pause } from 'node:timers/promises';

const DEADLINE_MS = 30_000;
const LOOK_EVERY_MS = 5;

/** Resolves once `holds` is true. @throws after the deadline, naming what was waited for. */
export async function waitUntil(
  what: string,
  holds: () => boolean | Promise<boolean>,
  deadlineMs = DEADLINE_MS,
): Promise<void> {
  const endMs = performance.now() + deadlineMs;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`expected within ${deadlineMs} ms: ${what}`);
    await pause(LOOK_EVERY_MS);
  }
}
