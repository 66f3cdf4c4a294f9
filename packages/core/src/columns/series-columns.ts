import { KeyTable, NO_KEY, type Key } from '../bytes/key-table.ts';

/**
 * A low part of a sum stays below 2^52, and what exceeds it is counted apart. So each addition is exact: a value is at most
 * a year in microseconds, and no intermediate result reaches 2^53.
 */
export const CARRY = 2 ** 52;

/**
 * What a batch adds to the series of one metric, in the order in which it touches them. A counter has a sum; a histogram has
 * observations per bucket too. One is used again for each batch.
 */
export class SeriesColumns {
  /** Of the keys. Other batches use it at the same time. */
  table: KeyTable;
  /** Buckets of a histogram, with `+Inf`; 0 for a counter. */
  readonly width: number;
  /** Number of series. */
  count = 0;
  keys = new Int32Array(FIRST_SERIES);
  /** Of the keys in the table. */
  slots = new Int32Array(FIRST_SERIES);
  /** The sums: low + 2^52 * carries. */
  low = new Float64Array(FIRST_SERIES);
  carries = new Uint32Array(FIRST_SERIES);
  /** `width` for each series. */
  buckets: Uint32Array;
  /** Upper bounds of the finite buckets. */
  private readonly bounds: Float64Array;
  /** Of each key of the table, by its slot: its place here, if the key that is there is this one. */
  private places = new Int32Array(FIRST_SERIES);

  constructor(bounds: Float64Array | undefined) {
    this.table = NO_TABLE;
    this.bounds = bounds ?? new Float64Array(0);
    this.width = bounds === undefined ? 0 : bounds.length + 1;
    this.buckets = new Uint32Array(FIRST_SERIES * this.width);
  }

  /** Begins a batch, with the keys of `table`. */
  begin(table: KeyTable): void {
    this.count = 0;
    this.table = table;
  }

  /** Adds a value to a series. */
  add(key: Key, value: number): void {
    const slot = this.table.slotOf(key);
    let at = this.places[slot] ?? this.count;
    if (at >= this.count || this.keys[at] !== key) at = this.touch(key, slot);
    const sum = (this.low[at] ?? 0) + value;
    if (sum < CARRY) this.low[at] = sum;
    else {
      this.low[at] = sum - CARRY;
      this.carries[at] = (this.carries[at] ?? 0) + 1;
    }
    if (this.width === 0) return;
    const { bounds } = this;
    let bucket = at * this.width;
    for (let bound = 0; bound < bounds.length && value > (bounds[bound] ?? 0); bound++) bucket++;
    this.buckets[bucket] = (this.buckets[bucket] ?? 0) + 1;
  }

  /** Adds what another batch adds to series of the same table. */
  join(other: SeriesColumns): void {
    const { width } = this;
    for (let from = 0; from < other.count; from++) {
      const key = other.keys[from] ?? NO_KEY;
      const slot = other.slots[from] ?? 0;
      let at = this.places[slot] ?? this.count;
      if (at >= this.count || this.keys[at] !== key) at = this.touch(key, slot);
      let sum = (this.low[at] ?? 0) + (other.low[from] ?? 0);
      let carries = other.carries[from] ?? 0;
      if (sum >= CARRY) {
        sum -= CARRY;
        carries++;
      }
      this.low[at] = sum;
      if (carries > 0) this.carries[at] = (this.carries[at] ?? 0) + carries;
      const first = at * width;
      const firstFrom = from * width;
      for (let bucket = 0; bucket < width; bucket++) {
        const observations = other.buckets[firstFrom + bucket] ?? 0;
        if (observations > 0)
          this.buckets[first + bucket] = (this.buckets[first + bucket] ?? 0) + observations;
      }
    }
  }

  private touch(key: Key, slot: number): number {
    const at = this.count++;
    if (at === this.keys.length) this.grow();
    while (slot >= this.places.length) this.places = grown(this.places);
    this.places[slot] = at;
    this.keys[at] = key;
    this.slots[at] = slot;
    this.low[at] = 0;
    this.carries[at] = 0;
    const { width } = this;
    for (let bucket = at * width; bucket < (at + 1) * width; bucket++) this.buckets[bucket] = 0;
    return at;
  }

  private grow(): void {
    this.keys = grown(this.keys);
    this.slots = grown(this.slots);
    this.low = grown(this.low);
    this.carries = grown(this.carries);
    this.buckets = grown(this.buckets);
  }

  keyAt(at: number): Key {
    return this.keys[at] ?? NO_KEY;
  }
}

/** The same in twice the length. */
export function grown<T extends Int32Array | Uint32Array | Float64Array | Uint8Array>(column: T): T {
  const longer = new (column.constructor as new (length: number) => T)(2 * column.length);
  longer.set(column);
  return longer;
}

export const FIRST_SERIES = 256;
/** The table of columns that serve no batch yet. */
export const NO_TABLE = new KeyTable();
