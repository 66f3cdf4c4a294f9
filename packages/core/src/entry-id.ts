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
  if (haveEqualLayout(left, right)) return left < right ? -1 : 1;
  const leftParts = left.split('-');
  const rightParts = right.split('-');
  for (let part = 0; part < 3; part++) {
    const a = leftParts[part] ?? '0';
    const b = rightParts[part] ?? '0';
    if (a.length !== b.length) return a.length - b.length;
    if (a !== b) return a < b ? -1 : 1;
  }
  return 0;
}

/** True if the numbers of both have the same lengths, so that string order is the order of the stamps. */
function haveEqualLayout(left: Stamp, right: Stamp): boolean {
  if (left.length !== right.length) return false;
  const dash = left.indexOf('-');
  return dash === right.indexOf('-') && left.indexOf('-', dash + 1) === right.indexOf('-', dash + 1);
}

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
