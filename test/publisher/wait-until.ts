import { setTimeout as pause } from 'node:timers/promises';

const DEADLINE_MS = 20_000;
const LOOK_EVERY_MS = 5;

/** Resolves once `holds` is true. @throws after 20 s, naming what was waited for. */
export async function waitUntil(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + DEADLINE_MS;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`expected within ${DEADLINE_MS} ms: ${what}`);
    await pause(LOOK_EVERY_MS);
  }
}
