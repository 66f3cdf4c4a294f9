import { count, showNumber } from './count.ts';
import type { Environment } from './environment.ts';

/** Shows the progress of one task on standard error: in a terminal one line that changes, elsewhere a line now and then. */
export interface ProgressDisplay {
  show(what: string, progress: Progress): void;
}

interface Progress {
  /** Entries done. */
  readonly entries: number;
  /** Entries in all, if that is known. */
  readonly ofEntries?: number;
  /** The share that is done, 0 to 1. By default that of the entries. */
  readonly share?: number;
  /** Shown behind the entries. */
  readonly detail?: string;
}

const REDRAW_MS = 200;
const LINE_MS = 2_000;
const BAR_CHARACTERS = 30;
/** Rates are measured over this time. */
const RATE_MS = 10_000;

export function createProgressDisplay({
  printError,
  terminal,
  now,
}: Pick<Environment, 'printError' | 'terminal' | 'now'>): ProgressDisplay {
  const past: Moment[] = [];
  let shownMs = terminal ? -Infinity : now();
  let drawn = false;
  return {
    show(what, { entries, ofEntries, share = shareOf(entries, ofEntries), detail = '' }) {
      const moment = { atMs: now(), entries, share };
      past.push(moment);
      while (past.length > 2 && moment.atMs - (past[0]?.atMs ?? 0) > RATE_MS) past.shift();
      if (moment.atMs - shownMs < (terminal ? REDRAW_MS : LINE_MS)) return;
      shownMs = moment.atMs;
      const of = ofEntries === undefined ? '' : `${showNumber(entries)} of `;
      const amount = `${of}${count(ofEntries ?? entries, 'entry', 'entries')}`;
      const text = `${what}: ${amount}${detail}${describePace(past[0] ?? moment, moment)}`;
      const bar = share === undefined || !terminal ? '' : `${drawBar(share)} `;
      const done = share === undefined ? '' : `${(share * 100).toFixed(1)} %  `;
      printError(`${terminal && drawn ? UP_AND_CLEAR : ''}${bar}${done}${text}`);
      drawn = true;
    },
  };
}

interface Moment {
  readonly atMs: number;
  readonly entries: number;
  readonly share: number | undefined;
}

/** Terminal sequence: moves to the line above and clears it. */
const UP_AND_CLEAR = '\u001B[1A\u001B[2K';

function shareOf(entries: number, ofEntries: number | undefined): number | undefined {
  if (ofEntries === undefined) return undefined;
  return ofEntries === 0 ? 1 : entries / ofEntries;
}

/** Entries per second and the time left, as far as they are known. */
function describePace(from: Moment, to: Moment): string {
  const elapsedMs = Math.max(1, to.atMs - from.atMs);
  const rate = `, ${showNumber(Math.round(((to.entries - from.entries) * 1_000) / elapsedMs))}/s`;
  const gained = (to.share ?? 0) - (from.share ?? 0);
  if (to.share === undefined || to.share === 1 || gained <= 0) return rate;
  const seconds = Math.ceil(((1 - to.share) * elapsedMs) / gained / 1_000);
  return `${rate}, ${seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`} left`;
}

function drawBar(share: number): string {
  const full = Math.round(share * BAR_CHARACTERS);
  return '█'.repeat(full) + '░'.repeat(BAR_CHARACTERS - full);
}
