import type { Environment } from './environment.ts';

/** Shows progress on standard error: in a terminal one line that changes, elsewhere a line now and then. */
export interface ProgressDisplay {
  show(what: string, amount: Amount): void;
}

/** Entries. */
interface Amount {
  readonly done: number;
  readonly left: number;
}

const REDRAW_MS = 200;
const LINE_MS = 2_000;
const BAR_CHARACTERS = 30;
/** The rate is measured over this time. */
const RATE_MS = 10_000;

export function createProgressDisplay({
  printError,
  terminal,
  now,
}: Pick<Environment, 'printError' | 'terminal' | 'now'>): ProgressDisplay {
  const past: { readonly atMs: number; readonly done: number }[] = [];
  let shownMs = -Infinity;
  let drawn = false;
  return {
    show(what, { done, left }) {
      const atMs = now();
      past.push({ atMs, done });
      while (past.length > 2 && atMs - (past[0]?.atMs ?? atMs) > RATE_MS) past.shift();
      if (atMs - shownMs < (terminal ? REDRAW_MS : LINE_MS)) return;
      shownMs = atMs;
      const [first = { atMs, done }] = past;
      const rate = ((done - first.done) * 1_000) / Math.max(1, atMs - first.atMs);
      const total = done + left;
      const share = total === 0 ? 1 : done / total;
      const text = `${what}: ${count(done)} of ${count(total)} entries, ${count(rate)}/s${showEta(left, rate)}`;
      if (!terminal) {
        printError(text);
        return;
      }
      const full = Math.round(share * BAR_CHARACTERS);
      const bar = '█'.repeat(full) + '░'.repeat(BAR_CHARACTERS - full);
      printError(`${drawn ? UP_AND_CLEAR : ''}${bar} ${(share * 100).toFixed(1)}%  ${text}`);
      drawn = true;
    },
  };
}

/** Terminal sequence: moves to the line above and clears it. */
const UP_AND_CLEAR = '\u001B[1A\u001B[2K';

function showEta(left: number, rate: number): string {
  if (left === 0 || rate <= 0) return '';
  const seconds = Math.ceil(left / rate);
  return seconds < 120 ? `, ${seconds} s left` : `, ${Math.ceil(seconds / 60)} min left`;
}

function count(n: number): string {
  return Math.round(n).toLocaleString('en');
}
