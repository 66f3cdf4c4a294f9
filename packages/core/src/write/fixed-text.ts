/** A place to write to. */
export interface Place {
  readonly bytes: Uint8Array;
  /** The same bytes. */
  readonly view: DataView;
  readonly at: number;
}

/**
 * ASCII that is written often: as 64-bit words, which takes a fifth of the time of single bytes. They are floating-point
 * numbers, which V8 copies without allocating; none of them is NaN, whose bits may change, since no byte is above 127.
 */
export interface FixedText {
  readonly bytes: number;
  readonly words: Float64Array;
}

export const WORD_BYTES = 8;

export function toFixedText(ascii: string): FixedText {
  const words = new Float64Array(Math.ceil(ascii.length / WORD_BYTES));
  const view = new DataView(new ArrayBuffer(words.length * WORD_BYTES));
  for (let at = 0; at < ascii.length; at++) view.setUint8(at, ascii.charCodeAt(at));
  for (let word = 0; word < words.length; word++) words[word] = view.getFloat64(word * WORD_BYTES, true);
  return { bytes: ascii.length, words };
}

/** Writes a fixed text, and up to seven more bytes that mean nothing. Returns its end. */
export function writeFixedText(view: DataView, at: number, { bytes, words }: FixedText): number {
  for (let word = 0; word < words.length; word++)
    view.setFloat64(at + word * WORD_BYTES, words[word] ?? 0, true);
  return at + bytes;
}
