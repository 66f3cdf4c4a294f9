import { QUOTE, type BACKSLASH } from '../bytes/byte-classes.ts';
import type { ReceiveBuffer } from '../bytes/receive-buffer.ts';

/** The values that a layout has found in an event. One is used again for each event. */
export class MatchedValues {
  readonly source: ReceiveBuffer;
  readonly starts = new Int32Array(MOST_VALUES);
  readonly lengths = new Int32Array(MOST_VALUES);
  /** Hashes of those that are part of a key. */
  readonly hashes = new Int32Array(MOST_VALUES);
  /** Durations in microseconds, and counts. */
  readonly numbers = new Float64Array(MOST_VALUES);
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

/** Layouts have no more values. */
export const MOST_VALUES = 40;

/** The bytes are not of that layout. */
export const NO_MATCH = -1;
