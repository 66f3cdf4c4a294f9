import { findByte, mixWord, type ReceiveBuffer } from '../bytes/receive-buffer.ts';
import {
  CLOCK,
  DURATION,
  EXTRA,
  HASHED,
  ID,
  ID_BYTES,
  LABEL,
  LABEL_BYTES,
  NUMBER,
  STEP_BYTES,
  STEP_NUMBERS,
  STEP_VALUE,
  WORD,
  type Layout,
} from './layout.ts';
import { HASHES, LENGTHS, NO_MATCH, STARTS, type MatchedEntry } from './matched-values.ts';
import {
  isWord,
  readClock,
  readDuration,
  readJsonNumber,
  readKind,
  readName,
  readPlain,
} from './read-value.ts';
import { isSegment } from './segment.ts';

/**
 * Reads an event of a batch (`{"name":"value", …}`) that begins at `start` and is of that layout. Returns its end. The
 * segment that follows a value begins with the quote that ends it, or with a comma or brace after a number.
 */
export function matchJson(layout: Layout, { source, limit, closing }: MatchedEntry, start: number): number {
  const { steps, values: count } = layout;
  const { view } = source;
  let at = start;
  for (let value = 0, step = 0; ; value++, step += STEP_NUMBERS) {
    if (!isSegment(layout, step, view, at)) return NO_MATCH;
    at += steps[step + STEP_BYTES] ?? 0;
    if (value === count) return at;

    STARTS[value] = at;
    const kind = steps[step + STEP_VALUE] ?? 0;
    let end: number;
    if (kind === HASHED) end = hashText(source, closing, value);
    else if (kind === ID) end = readName(source, at, ID_BYTES);
    else if (kind === LABEL) end = readName(source, at, LABEL_BYTES);
    else if (kind === DURATION) end = readDuration(source, value);
    else if (kind === CLOCK) end = readClock(source, at);
    else end = readRareText(layout, source, value, kind);
    if (end === NO_MATCH || end > limit) return NO_MATCH;
    LENGTHS[value] = end - at;
    at = end;
  }
}

/**
 * Hashes a text up to the byte that ends it, four bytes at a time: the same hash as `ReceiveBuffer.hash`. Returns the end of
 * the text; `NO_MATCH` if it is longer than any ID, or empty: it would be taken for a label that is left out.
 */
function hashText(source: ReceiveBuffer, closing: number, value: number): number {
  const { view } = source;
  const start = STARTS[value] ?? 0;
  const last = start + ID_BYTES;
  const closings = Math.imul(closing, 0x01010101);
  let hash = source.emptyHash;
  let at = start;
  let word = view.getInt32(at, true);
  let found = findByte(word, closings);
  while (found === 0) {
    if (at > last) return NO_MATCH;
    hash = mixWord(hash, word);
    at += 4;
    word = view.getInt32(at, true);
    found = findByte(word, closings);
  }
  const bits = (31 - Math.clz32(found & -found)) & 0x18; // of the bytes before the first of them
  if (bits > 0) hash = mixWord(hash, word & ((1 << bits) - 1));
  const end = at + (bits >> 3);
  HASHES[value] = hash ^ (end - start);
  return end === start ? NO_MATCH : end;
}

/** A value of a kind that few events have. */
// oxlint-disable-next-line max-params -- called for every value of these kinds
function readRareText(layout: Layout, source: ReceiveBuffer, value: number, kind: number): number {
  const start = STARTS[value] ?? 0;
  if (kind === WORD) {
    const end = readPlain(source, start);
    LENGTHS[value] = end - start;
    return isWord(layout, source, value) ? end : NO_MATCH;
  }
  if (kind < NUMBER) return readKind(source, value, kind);
  const end = readJsonNumber(source, start);
  if (end === NO_MATCH || kind === NUMBER + EXTRA) return end;
  return readKind(source, value, kind - NUMBER) === end ? end : NO_MATCH;
}
