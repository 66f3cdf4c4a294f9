/** Lines that a demo prints at its start; the group is the address. */
export const METRICS = /metrics of the swarms +(\S+)/;
export const REDIS = /Redis +(redis:\S+)/;

/** The last two numbers of a demo that has ended; NaN if it does not print them. */
export function readEnd(stdout: string): { folded: number; lag: number } {
  const [, folded = 'none', lag = 'none'] =
    /^stopped: ([\d,]+) events folded, lag (\d+)$/m.exec(stdout) ?? [];
  return { folded: toNumber(folded), lag: toNumber(lag) };
}

/** Reads a number with thousands separators. */
function toNumber(text: string): number {
  return Number(text.replaceAll(',', ''));
}

/** Whether nothing answers at this address. */
export async function isGone(url: string): Promise<boolean> {
  return fetch(url).then(
    () => false,
    () => true,
  );
}
