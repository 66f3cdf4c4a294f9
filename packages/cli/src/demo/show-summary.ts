import { count, showNumber } from '../count.ts';
import type { Summary } from './summarize.ts';

/** Shows the latest summary: in a terminal always in the same place, elsewhere as a new line each time. */
export interface SummaryDisplay {
  show(summary: Summary, elapsedMs: number): void;
}

/** Moves the cursor up n lines and clears the rest of the screen. */
const rewind = (lines: number): string => `\u001b[${lines}A\u001b[J`;

export function createSummaryDisplay(write: (line: string) => void, terminal: boolean): SummaryDisplay {
  let shownLines = 0;
  return {
    show(summary, elapsedMs) {
      if (!terminal) {
        write(toLine(summary, elapsedMs));
        return;
      }
      const lines = toBlock(summary, elapsedMs);
      write(`${shownLines === 0 ? '' : rewind(shownLines)}${lines.join('\n')}`);
      shownLines = lines.length;
    },
  };
}

function toBlock(summary: Summary, elapsedMs: number): string[] {
  const { active, blocked, stale } = summary;
  return [
    row('running for', showClock(elapsedMs)),
    row('events folded', showNumber(summary.events), `${showRate(summary)}/s`),
    row('lag', showNumber(summary.lagEntries), 'entries not folded yet'),
    row(
      'coordinators alive',
      showNumber(active + blocked + stale),
      `${active} active, ${blocked} blocked, ${stale} stale`,
    ),
    row('blocked, P95', showSeconds(summary.blockingP95Seconds)),
    row('signal latency, P95', showSeconds(summary.latencyP95Seconds)),
  ].map((line) => line.trimEnd());
}

function row(name: string, value: string, more = ''): string {
  return `  ${name.padEnd(22)}${value.padStart(12)}   ${more}`;
}

function toLine(summary: Summary, elapsedMs: number): string {
  const { active, blocked, stale } = summary;
  return [
    showClock(elapsedMs),
    `${count(summary.events, 'event')} folded, ${showRate(summary)}/s`,
    `lag ${summary.lagEntries}`,
    `${active} active, ${blocked} blocked, ${stale} stale`,
    `P95 blocked ${showSeconds(summary.blockingP95Seconds)}, latency ${showSeconds(summary.latencyP95Seconds)}`,
  ].join(' | ');
}

function showClock(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  return `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}`;
}

function showRate({ eventsPerSecond }: Summary): string {
  return eventsPerSecond.toFixed(eventsPerSecond < 10 ? 1 : 0);
}

function showSeconds(seconds: number | undefined): string {
  if (seconds === undefined) return '–';
  return seconds < 1 ? `${Math.round(seconds * 1_000)} ms` : `${seconds.toFixed(1)} s`;
}
