/** The shortest event is longer than this: it bounds the number of events of a page. */
const EVENT_LEAST_BYTES = 48;
const COMMA = 44;

/**
 * Events of one shard that were published one after the other, as JSON texts with commas between: any part of it is a part
 * of an entry. What is in a page does not change until all of its events have left, so it can be sent from where it lies.
 */
export class Page {
  readonly bytes: Buffer;
  readonly view: DataView;
  /** Where the next event is written. */
  at = 0;
  /** Number of events. */
  count = 0;
  /** Sequence of the first event; the others follow it without a gap. */
  firstSequence: number;
  /** True once the outcome of sending a part of it was in doubt: the connection may still hold that part. */
  isInDoubt = false;
  /** End of each event, before its comma. */
  readonly #ends: Uint32Array;

  constructor(bytes: number, firstSequence: number) {
    this.bytes = Buffer.allocUnsafeSlow(bytes);
    this.view = new DataView(this.bytes.buffer);
    this.firstSequence = firstSequence;
    this.#ends = new Uint32Array(Math.ceil(bytes / EVENT_LEAST_BYTES));
  }

  /** Empties it. */
  begin(firstSequence: number): void {
    this.at = 0;
    this.count = 0;
    this.firstSequence = firstSequence;
  }

  /** True if an event of `bytes` fits behind the others. */
  hasRoom(bytes: number): boolean {
    return this.at + bytes < this.bytes.length && this.count < this.#ends.length;
  }

  /** Takes the bytes from `at` to `end` as the next event. Returns their number. */
  append(end: number): number {
    const bytes = end - this.at;
    this.#ends[this.count++] = end;
    this.bytes[end] = COMMA;
    this.at = end + 1;
    return bytes;
  }

  /** Where the event at `index` begins. */
  startOf(index: number): number {
    return index === 0 ? 0 : this.endOf(index - 1) + 1;
  }

  endOf(index: number): number {
    return this.#ends[index] ?? 0;
  }
}
