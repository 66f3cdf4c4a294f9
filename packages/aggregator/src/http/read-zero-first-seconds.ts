import type { Context } from 'koa';
import { YOUNG_SECONDS } from '../state/births.ts';

/** A bad value is shown up to this number of characters. */
const SHOWN_CHARACTERS = 40;

/**
 * The parameter `zero_first_seconds` of a scrape: how long a new series is shown as 0. `undefined` if it is not given;
 * an error text if it is not a whole number from 1 to 300, or is given twice.
 */
export function readZeroFirstSeconds(context: Context): number | undefined | string {
  const given = context.query['zero_first_seconds'];
  if (given === undefined) return undefined;
  const seconds = typeof given === 'string' && /^[1-9]\d{0,2}$/.test(given) ? Number(given) : Infinity;
  if (seconds <= YOUNG_SECONDS) return seconds;
  const got = JSON.stringify(given).slice(0, SHOWN_CHARACTERS);
  return `zero_first_seconds: expected one whole number from 1 to ${YOUNG_SECONDS}; got ${got}`;
}
