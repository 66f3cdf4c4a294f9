import { availableParallelism, loadavg } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';

const DEADLINE_MS = 30_000;
/** A look costs CPU, which what is waited for needs too: the longer the wait so far, the longer until the next look. */
const LOOK_EVERY_MS = { shortest: 5, longest: 100, shareOfWait: 0.1 };

/**
 * Resolves once `holds` is true. The deadline is that of a free machine: on a busy one it is as much later as programs wait
 * for each core.
 *
 * @throws after the deadline, naming what was waited for.
 */
export async function waitUntil(
  what: string,
  holds: () => boolean | Promise<boolean>,
  deadlineMs = DEADLINE_MS,
): Promise<void> {
  const startMs = performance.now();
  while (!(await holds())) {
    const waitedMs = performance.now() - startMs;
    if (waitedMs > deadlineMs * programsPerCore())
      throw new Error(
        `expected within ${deadlineMs} ms, or ${Math.round(waitedMs)} on this busy machine: ${what}`,
      );
    const { shortest, longest, shareOfWait } = LOOK_EVERY_MS;
    await pause(Math.min(longest, Math.max(shortest, waitedMs * shareOfWait)));
  }
}

/** 1 on a machine with free cores. */
function programsPerCore(): number {
  return Math.max(1, (loadavg()[0] ?? 0) / availableParallelism());
}
