import type { BackfillProgress } from '@streamfold/aggregator';
import type { Environment } from '../environment.ts';

/** Interval between lines of progress, ms. */
const SHOW_EVERY_MS = 2_000;

/** Shows the progress of a backfill on standard error: how far it is, how fast, and the time left. */
export function createProgressLine({
  now,
  printError,
}: Pick<Environment, 'now' | 'printError'>): (progress: BackfillProgress) => void {
  const startedMs = now();
  let shownMs = startedMs;
  return (progress) => {
    const nowMs = now();
    if (nowMs - shownMs < SHOW_EVERY_MS) return;
    shownMs = nowMs;
    printError(describeProgress(progress, nowMs - startedMs));
  };
}

function describeProgress(
  { beganMs, atMs, untilMs, entries, samples }: BackfillProgress,
  elapsedMs: number,
): string {
  const done = Math.max(0, (atMs - beganMs) / Math.max(1, untilMs - beganMs));
  const left = done > 0 ? `${Math.ceil((elapsedMs * (1 - done)) / done / 1_000)} s left` : 'just begun';
  const rate = show(Math.round((entries * 1_000) / elapsedMs));
  return `backfill: ${Math.floor(done * 100)} %, at ${new Date(atMs).toISOString()}: ${show(entries)} entries (${rate}/s), ${show(samples)} samples, ${left}`;
}

/** A count with separators. */
export function show(count: number): string {
  return count.toLocaleString('en');
}
