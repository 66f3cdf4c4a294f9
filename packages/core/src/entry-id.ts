/** ID of a stream entry as Redis writes it: `<ms>-<seq>`, both unsigned 64-bit decimals without leading zeros. */
export type EntryId = string;

/**
 * Place of one event in the total order of a shard: the ID of its entry, followed by `-<index>` for the second
 * and later events of one entry. The empty stamp comes before all others.
 */
export type Stamp = string;

/** The stamp before every event. */
export const NO_STAMP: Stamp = '';

/** The stamp of the event at `index` (from 0) in entry `entryId`. */
export function stampEvent(entryId: EntryId, index: number): Stamp {
  return index === 0 ? entryId : `${entryId}-${index}`;
}

/**
 * Orders two stamps or entry IDs as Redis orders entries: negative, zero or positive, like a comparator of
 * `Array.prototype.sort`. Exact for all 64-bit numbers.
 *
 * IDs must not be compared as strings (`'1-9' < '1-10'` is false). Decimals without leading zeros can be: the
 * longer one is greater, and among equally long ones the string order is the order of the numbers.
 */
export function compareStamps(left: Stamp, right: Stamp): number {
  if (left === right) return 0;
  if (left === NO_STAMP) return -1;
  if (right === NO_STAMP) return 1;
  let order = 0; // of the first digits that differ, if both numbers turn out to be equally long
  for (let at = 0; ; at++) {
    const a = at < left.length ? left.charCodeAt(at) : END;
    const b = at < right.length ? right.charCodeAt(at) : END;
    if (a >= ZERO && b >= ZERO) {
      if (order === 0) order = a - b;
      continue;
    }
    if (a >= ZERO || b >= ZERO) return a - b; // the longer number is greater
    if (order !== 0 || a === END || b === END) return order || a - b;
  }
}

/** A dash is between the two. */
const ZERO = 48;
const END = 0;

/** True if `left` comes after `right` in the order of the stream. */
export function isAfter(left: Stamp, right: Stamp): boolean {
  return compareStamps(left, right) > 0;
}

/** The later of two stamps. */
export function laterStamp(left: Stamp, right: Stamp): Stamp {
  return isAfter(right, left) ? right : left;
}

/** The milliseconds of a stamp's entry ID: the event's time on Redis's clock. */
export function stampMs(stamp: Stamp): number {
  return Number(stamp.slice(0, stamp.indexOf('-')));
}

const LARGEST_SEQ = '18446744073709551615';

/** The greatest possible entry ID. */
export const LAST_ID: EntryId = `${LARGEST_SEQ}-${LARGEST_SEQ}`;

/** The greatest entry ID of a millisecond. */
export function lastIdAt(ms: number | string): EntryId {
  return `${ms}-${LARGEST_SEQ}`;
}

/** The greatest entry ID before another one, exact for all 64-bit numbers; `0-0` has none before it. */
export function previousId(id: EntryId): EntryId {
  const [ms = '0', seq = '0'] = id.split('-');
  if (seq !== '0') return `${ms}-${BigInt(seq) - 1n}`;
  return ms === '0' ? '0-0' : lastIdAt(String(BigInt(ms) - 1n));
}
