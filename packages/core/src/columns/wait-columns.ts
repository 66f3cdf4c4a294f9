import { finishHash, mixHash } from '../bytes/receive-buffer.ts';
import { ByteArena } from './byte-arena.ts';
import { grown } from './series-columns.ts';

/** The waits of one coordinator form a list; this ends it. */
export const NO_WAIT = 0;

/** A wait id as it stands in bytes, and the place of its coordinator in the batch. */
export interface WaitName {
  coordinator: number;
  bytes: Uint8Array;
  start: number;
  length: number;
  hash: number;
}

export function emptyWaitName(): WaitName {
  return { coordinator: 0, bytes: new Uint8Array(0), start: 0, length: 0, hash: 0 };
}

/**
 * The waits that a batch opens and closes. Waits are numbered from 1, so that 0 ends a list and an empty cell of the index.
 * A stamp is the ordinal of an event in the batch; 0: none.
 */
export class WaitColumns {
  count = 0;
  opened = new Int32Array(FIRST_WAITS);
  closed = new Int32Array(FIRST_WAITS);
  /** The next wait of the same coordinator. */
  next = new Int32Array(FIRST_WAITS);
  starts = new Int32Array(FIRST_WAITS);
  lengths = new Int32Array(FIRST_WAITS);
  readonly ids = new ByteArena();
  /** Of the ids. */
  hashes = new Int32Array(FIRST_WAITS);
  private coordinators = new Int32Array(FIRST_WAITS);
  private mask = 2 * FIRST_WAITS - 1;
  private index = new Int32Array(2 * FIRST_WAITS);

  clear(): void {
    if (this.count > 0) this.index.fill(0);
    this.count = 0;
    this.ids.clear();
  }

  /** The wait of that name; `NO_WAIT` if the batch has not touched it. */
  find(name: WaitName): number {
    const { hash, coordinator } = name;
    for (let cell = placeWait(hash, coordinator) & this.mask; ; cell = (cell + 1) & this.mask) {
      const wait = this.index[cell] ?? NO_WAIT;
      if (wait === NO_WAIT) return NO_WAIT;
      if (this.hashes[wait] === hash && this.isNamed(wait, name)) return wait;
    }
  }

  private isNamed(wait: number, { coordinator, bytes, start, length }: WaitName): boolean {
    if (this.coordinators[wait] !== coordinator || this.lengths[wait] !== length) return false;
    const known = this.starts[wait] ?? 0;
    for (let at = 0; at < length; at++) if (this.ids.bytes[known + at] !== bytes[start + at]) return false;
    return true;
  }

  /** Adds a wait that is not there yet, in front of the list that begins with `next`. */
  insert(name: WaitName, next: number): number {
    const wait = ++this.count;
    if (wait === this.opened.length) this.grow();
    this.starts[wait] = this.ids.copy(name.bytes, name.start, name.length);
    this.lengths[wait] = name.length;
    this.coordinators[wait] = name.coordinator;
    this.hashes[wait] = name.hash;
    this.opened[wait] = 0;
    this.closed[wait] = 0;
    this.next[wait] = next;
    this.place(wait);
    return wait;
  }

  open(wait: number, stamp: number): void {
    this.opened[wait] = stamp;
  }

  close(wait: number, stamp: number): void {
    this.closed[wait] = stamp;
  }

  private place(wait: number): void {
    let cell = placeWait(this.hashes[wait] ?? 0, this.coordinators[wait] ?? 0) & this.mask;
    while (this.index[cell] !== NO_WAIT) cell = (cell + 1) & this.mask;
    this.index[cell] = wait;
  }

  private grow(): void {
    this.opened = grown(this.opened);
    this.closed = grown(this.closed);
    this.next = grown(this.next);
    this.starts = grown(this.starts);
    this.lengths = grown(this.lengths);
    this.hashes = grown(this.hashes);
    this.coordinators = grown(this.coordinators);
    this.mask = 2 * this.mask + 1;
    this.index = new Int32Array(this.mask + 1);
    for (let wait = 1; wait < this.count; wait++) this.place(wait);
  }
}

/** Where the search for a wait begins. */
function placeWait(hash: number, coordinator: number): number {
  return finishHash(mixHash(hash, coordinator));
}

const FIRST_WAITS = 64;
