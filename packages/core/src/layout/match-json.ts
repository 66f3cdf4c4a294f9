import { mixWord } from '../bytes/receive-buffer.ts';
import {
  EXTRA,
  HASHED,
  ID_BYTES,
  NUMBER,
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
import { isWord, readJsonNumber, readKind, readPlain } from './read-value.ts';

/**
 * Reads an event of a batch (`{"name":"value", …}`) that begins at `start` and is of that layout. Returns its end. The
 * segment that follows a value begins with the quote that ends it, or with a comma or brace after a number.
 */
export function matchJson(layout: Layout, values: MatchedValues, start: number): number {
  const { steps, words, values: count } = layout;
  const { view } = values.source;
  let at = start;
  for (let value = 0, step = 0; ; value++, step += STEP_NUMBERS) {
    let word = steps[step + STEP_FIRST_WORD] ?? 0;
    const last = steps[step + STEP_LAST_WORD] ?? 0;
    const after = at + (steps[step + STEP_BYTES] ?? 0);
    for (; word < last; word++, at += 4) if (view.getInt32(at, true) !== words[word]) return NO_MATCH;
    if ((view.getInt32(at, true) & (steps[step + STEP_LAST_MASK] ?? 0)) !== words[last]) return NO_MATCH;
    at = after;
    if (value === count) return at;

    values.starts[value] = at;
    const kind = steps[step + STEP_VALUE] ?? 0;
    at = kind === HASHED ? readHashed(values, value, at) : readText(layout, values, value, kind);
    if (at === NO_MATCH || at > values.limit) return NO_MATCH;
  }
}

/** Hashes a text up to the byte that ends it, four bytes at a time: the same hash as `ReceiveBuffer.hash`. */
function readHashed(values: MatchedValues, value: number, start: number): number {
  const { source } = values;
  const { view } = source;
  const closing = values.closing * 0x01010101;
  const last = start + ID_BYTES;
  let hash = source.emptyHash;
  let at = start;
  for (; ; at += 4) {
    const word = view.getInt32(at, true);
    const closings = findBytes(word, closing);
    if (closings === 0) {
      if (at > last) return NO_MATCH;
      hash = mixWord(hash, word);
      continue;
    }
    const bits = (31 - Math.clz32(closings & -closings)) & 0x18; // of the bytes before the first of them
    if (bits > 0) {
      hash = mixWord(hash, word & ((1 << bits) - 1));
      at += bits >> 3;
    }
    break;
  }
  if (at === start) return NO_MATCH; // it would be taken for a label that is left out
  values.lengths[value] = at - start;
  values.hashes[value] = hash ^ (at - start);
  return at;
}

/** The high bit of the first byte of a word that is the one that `wanted` repeats, and of some after it; 0 if none is. */
function findBytes(word: number, wanted: number): number {
  const zeroed = word ^ wanted;
  return (zeroed - 0x01010101) & ~zeroed & 0x80808080;
}

// oxlint-disable-next-line max-params -- called for every value
function readText(layout: Layout, values: MatchedValues, value: number, kind: number): number {
  const { source } = values;
  const start = values.starts[value] ?? 0;
  if (kind === WORD) {
    const end = readPlain(source, start);
    values.lengths[value] = end - start;
    return isWord(layout, values, value) ? end : NO_MATCH;
  }
  if (kind < NUMBER) {
    const end = readKind(values, value, kind);
    values.lengths[value] = end - start;
    return end;
  }
  const end = readJsonNumber(source, start);
  if (end === NO_MATCH || kind === NUMBER + EXTRA) return end;
  return readKind(values, value, kind - NUMBER) === end ? end : NO_MATCH;
}
