import { CR, ZERO } from '../bytes/byte-classes.ts';
import {
  EXTRA,
  HASHED,
  STEP_BYTES,
  STEP_FIRST_WORD,
  STEP_LAST_MASK,
  STEP_LAST_WORD,
  STEP_NUMBERS,
  STEP_VALUE,
  WORD,
  type Layout,
} from './layout.ts';
import { NO_MATCH, type MatchedValues } from './matched-values.ts';
import { isWord, readKind } from './read-value.ts';

/** The longest value that is read the fast way, in bytes: no entry may be larger. */
const VALUE_BYTES = 16 * 1024;

/**
 * Reads the fields of a flat entry (`*2m $name $value …`) that begin at `start` and are of that layout. Returns their end,
 * which may lie behind what has arrived: what was matched then is not to be used.
 */
export function matchFlat(layout: Layout, values: MatchedValues, start: number): number {
  const { steps, words, values: count } = layout;
  const { view, bytes, end: received } = values.source;
  let at = start;
  let payloadBytes = layout.constantBytes;
  for (let value = 0, step = 0; ; value++, step += STEP_NUMBERS) {
    let word = steps[step + STEP_FIRST_WORD] ?? 0;
    const last = steps[step + STEP_LAST_WORD] ?? 0;
    const after = at + (steps[step + STEP_BYTES] ?? 0);
    for (; word < last; word++, at += 4) if (view.getInt32(at, true) !== words[word]) return NO_MATCH;
    if ((view.getInt32(at, true) & (steps[step + STEP_LAST_MASK] ?? 0)) !== words[last]) return NO_MATCH;
    at = after;
    if (value === count) break;

    let length = (bytes[at++] ?? 0) - ZERO;
    for (; bytes[at] !== CR; at++) {
      length = length * 10 + (bytes[at] ?? 0) - ZERO;
      if (length < 0 || length > VALUE_BYTES) return NO_MATCH;
    }
    if (length < 0) return NO_MATCH;
    at += 2;
    if (at + length > received) return NO_MATCH;
    values.starts[value] = at;
    values.lengths[value] = length;
    payloadBytes += length;
    const kind = steps[step + STEP_VALUE] ?? 0;
    if (kind === HASHED) {
      if (length === 0) return NO_MATCH; // it would be taken for a label that is left out
      values.hashes[value] = values.source.hash(at, length);
    } else if (kind === WORD) {
      if (!isWord(layout, values, value)) return NO_MATCH;
    } else if (kind !== EXTRA && readKind(values, value, kind) !== at + length) return NO_MATCH;
    at += length;
  }
  values.payloadBytes = payloadBytes;
  return at;
}
