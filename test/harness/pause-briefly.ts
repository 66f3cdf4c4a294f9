import { setTimeout as sleep } from 'node:timers/promises';

const LONGEST_MS = 50;

/** Makes an aggregator do its periodic work soon: pauses for the given time, but at most 50 ms. */
export async function pauseBriefly(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(Math.min(ms, LONGEST_MS), undefined, { signal }).catch(() => undefined);
}
