import { CR, ZERO } from '../bytes/byte-classes.ts';
import { EXTRA, HASHED, STEP_BYTES, STEP_NUMBERS, STEP_VALUE, WORD, type Layout } from './layout.ts';
import { HASHES, LENGTHS, NO_MATCH, STARTS, type MatchedEntry } from './matched-values.ts';
import { isWord, readKind } from './read-value.ts';
import { isSegment } from './segment.ts';

/** The longest value that is read the fast way, in bytes: no entry may be larger. */
const VALUE_BYTES = 16 * 1024;

/**
 * Reads the fields of a flat entry (`*2m $name $value …`) that begin at `start` and are of that layout. Returns their end,
 * which may lie behind what has arrived: what was matched then is not to be used.
 */
export function matchFlat(layout: Layout, entry: MatchedEntry, start: number): number {
  const { steps, values: count } = layout;
  const { source } = entry;
  const { view, bytes, end: received } = source;
  let at = start;
  let payloadBytes = layout.constantBytes;
  for (let value = 0, step = 0; ; value++, step += STEP_NUMBERS) {
    if (!isSegment(layout, step, view, at)) return NO_MATCH;
    at += steps[step + STEP_BYTES] ?? 0;
    if (value === count) break;

    let length = (bytes[at++] ?? 0) - ZERO;
    for (; bytes[at] !== CR; at++) {
      length = length * 10 + (bytes[at] ?? 0) - ZERO;
      if (length < 0 || length > VALUE_BYTES) return NO_MATCH;
    }
    if (length < 0) return NO_MATCH;
    at += 2;
    if (at + length > received) return NO_MATCH;
    STARTS[value] = at;
    LENGTHS[value] = length;
    payloadBytes += length;
    const kind = steps[step + STEP_VALUE] ?? 0;
    if (kind === HASHED) {
      if (length === 0) return NO_MATCH; // it would be taken for a label that is left out
      HASHES[value] = source.hash(at, length);
    } else if (kind === WORD) {
      if (!isWord(layout, source, value)) return NO_MATCH;
    } else if (kind !== EXTRA && readKind(source, value, kind) !== at + length) return NO_MATCH;
    at += length;
  }
  entry.payloadBytes = payloadBytes;
  return at;
}
