import { QUOTE, type BACKSLASH } from '../bytes/byte-classes.ts';
import type { ReceiveBuffer } from '../bytes/receive-buffer.ts';

/** Layouts have no more values. */
export const MOST_VALUES = 40;

/** The bytes are not of that layout. */
export const NO_MATCH = -1;

/*
 * The values that a layout has found in an event, by their number. All folds of a process use the same arrays, one after the
 * other: an event is matched and written into a journal at once. The compiler knows where the arrays of a module are, which
 * makes each access cheaper than one to the field of an object.
 */

/** Where the values are in the receive buffer. */
export const STARTS = new Int32Array(MOST_VALUES);
export const LENGTHS = new Int32Array(MOST_VALUES);
/** Hashes of the values that are part of a key. */
export const HASHES = new Int32Array(MOST_VALUES);
/** Durations in microseconds, and counts. */
export const NUMBERS = new Float64Array(MOST_VALUES);

/** The entry that is being matched. One is used again for each entry. */
export class MatchedEntry {
  readonly source: ReceiveBuffer;
  /** Bytes of all names and values of a flat entry. */
  payloadBytes = 0;
  /** The end of the text in which a batch is read. */
  limit = 0;
  /** The byte that ends a text of JSON: `"`, or `\` if quotes are escaped. */
  closing: typeof QUOTE | typeof BACKSLASH = QUOTE;

  constructor(source: ReceiveBuffer) {
    this.source = source;
  }
}
