import type { SharedBytes } from './shared-bytes.ts';

/**
 * The exposition at one position of the delta log, as parts that are sent one after the other. They are shared with other
 * answers, and with the view: a reader borrows them with `lend`, and gives them back once.
 */
export interface Exposition {
  readonly parts: readonly SharedBytes[];
  readonly byteLength: number;
}

export function createExposition(parts: readonly SharedBytes[]): Exposition {
  let byteLength = 0;
  for (const { bytes } of parts) byteLength += bytes.length;
  return { parts, byteLength };
}

/** From now on no part is changed, until it is given back. Costs the number of parts. */
export function lend(exposition: Exposition): Exposition {
  for (const part of exposition.parts) part.lent++;
  return exposition;
}

export function giveBack({ parts }: Exposition): void {
  for (const part of parts) part.lent--;
}

/** The whole of it, as a text. */
export function readText({ parts }: Exposition): string {
  return Buffer.concat(parts.map(({ bytes }) => bytes)).toString();
}
