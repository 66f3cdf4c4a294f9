import { setTimeout as sleep } from 'node:timers/promises';

const LONGEST_MS = 50;

/** For an aggregator that does everything that it does now and then soon: waits as long as told, but 50 ms at most. */
export async function pauseBriefly(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(Math.min(ms, LONGEST_MS), undefined, { signal }).catch(() => undefined);
}
