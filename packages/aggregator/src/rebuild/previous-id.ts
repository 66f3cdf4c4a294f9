import type { EntryId } from '@streamfold/core';

const LARGEST_SEQ = 18_446_744_073_709_551_615n;

/** The greatest ID before another one, exact for all 64-bit numbers; `0-0` has none before it. */
export function previousId(id: EntryId): EntryId {
  const [ms = '0', seq = '0'] = id.split('-');
  if (seq !== '0') return `${ms}-${BigInt(seq) - 1n}`;
  return ms === '0' ? '0-0' : `${BigInt(ms) - 1n}-${LARGEST_SEQ}`;
}
