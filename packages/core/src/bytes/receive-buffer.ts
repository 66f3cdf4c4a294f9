/**
 * The bytes of a reply as they arrive, in one piece of memory. What was read is dropped by moving the rest to the front,
 * so the buffer grows only if one entry is larger than it.
 *
 * In front of the received bytes there is room for short texts (labels that an event leaves out, and those of an event
 * that was decoded the slow way), so that the parts of every key are found in the same memory.
 */
export class ReceiveBuffer {
  bytes: Uint8Array;
  view: DataView;
  /** The first byte that was not read yet, and the end of what has arrived. */
  start = FRONT_BYTES;
  end = FRONT_BYTES;
  private readonly constants = new Map<string, TextPlace>();
  private constantsEnd = FIRST_CONSTANT;
  private scratchEnd = SCRATCH_START;
  private readonly seed: number;

  /** `seed` is that of the hashes: drawn per process, so that nobody can choose keys that collide. */
  constructor(seed: number, capacity = 1 << 20) {
    this.seed = seed;
    this.bytes = new Uint8Array(capacity + SLACK_BYTES);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Begins anew, as if nothing had arrived. */
  clear(): void {
    this.start = FRONT_BYTES;
    this.end = FRONT_BYTES;
  }

  push(chunk: Uint8Array): void {
    if (this.end + chunk.length > this.bytes.length - SLACK_BYTES) this.makeRoom(chunk.length);
    this.bytes.set(chunk, this.end);
    this.end += chunk.length;
  }

  private makeRoom(bytes: number): void {
    const kept = this.end - this.start;
    const needed = FRONT_BYTES + kept + bytes;
    const source = this.bytes;
    const capacity = source.length - SLACK_BYTES;
    if (needed > capacity) {
      this.bytes = new Uint8Array(Math.max(2 * capacity, needed) + SLACK_BYTES);
      this.view = new DataView(this.bytes.buffer);
      this.bytes.set(source.subarray(0, FRONT_BYTES));
    }
    this.bytes.set(source.subarray(this.start, this.end), FRONT_BYTES);
    this.start = FRONT_BYTES;
    this.end = FRONT_BYTES + kept;
  }

  /** The place of an ASCII text that stays; `undefined` if there is no room for more. */
  placeConstant(text: string): TextPlace | undefined {
    const known = this.constants.get(text);
    if (known !== undefined) return known;
    if (this.constantsEnd + text.length > SCRATCH_START) return undefined;
    const place = { start: this.constantsEnd, length: text.length };
    this.constantsEnd = this.write(text, place.start);
    this.constants.set(text, place);
    return place;
  }

  /** Where the next text of a slow event is written. */
  clearScratch(): void {
    this.scratchEnd = SCRATCH_START;
  }

  /** Writes an ASCII text behind those written since the scratch was cleared; returns where it begins. */
  writeScratch(text: string): number {
    const start = this.scratchEnd;
    this.scratchEnd = this.write(text, start);
    return start;
  }

  private write(text: string, start: number): number {
    for (let at = 0; at < text.length; at++) this.bytes[start + at] = text.charCodeAt(at);
    return start + text.length;
  }

  /** The hash of `length` bytes. Matching computes the same while it walks a text of JSON. */
  hash(start: number, length: number): number {
    const { view } = this;
    const end = start + length;
    let hash = this.seed;
    let at = start;
    for (; at + 4 <= end; at += 4) hash = mixWord(hash, view.getInt32(at, true));
    const left = end - at;
    if (left > 0) hash = mixWord(hash, view.getInt32(at, true) & ((1 << (8 * left)) - 1));
    return hash ^ length;
  }

  /** The hash of no bytes yet. */
  get emptyHash(): number {
    return this.seed;
  }
}

export interface TextPlace {
  readonly start: number;
  readonly length: number;
}

/** A segment or a value that ends in what has not arrived is compared with the bytes behind: no more than these. */
const SLACK_BYTES = 1_024;
const FRONT_BYTES = 16 * 1024;
const FIRST_CONSTANT = 8;
/** A key has at most 16 labels of 128 bytes. */
const SCRATCH_START = 4 * 1024;

/** 2^32 divided by the golden ratio: an odd number whose bits are well mixed. */
const GOLDEN = 0x9e3779b1 | 0;

/**
 * The hash of the bytes before a word and of the word. The halves are mixed before they are multiplied: otherwise a change of
 * the highest bits of one word could be undone by one of the next, whatever the seed is.
 */
export function mixWord(hash: number, word: number): number {
  const changed = hash ^ word;
  const mixed = Math.imul(changed ^ (changed >>> 16), GOLDEN);
  return mixed ^ (mixed >>> 15);
}

/**
 * Finds a byte in a word; `wanted` is the byte four times. The lowest bit that is set is the highest one of the first such
 * byte; 0 if there is none.
 */
export function findByte(word: number, wanted: number): number {
  const zeroed = word ^ wanted;
  return (zeroed - 0x01010101) & ~zeroed & 0x80808080;
}

/** The hash of a list of which `hash` is the hash so far. */
export function mixHash(hash: number, next: number): number {
  return Math.imul(((hash << 5) | (hash >>> 27)) ^ next, GOLDEN);
}

/** Spreads the bits of a hash over its low ones, by which a place is chosen. */
export function finishHash(hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return mixed ^ (mixed >>> 13);
}
