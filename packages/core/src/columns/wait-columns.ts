import type { ReceiveBuffer } from '../bytes/receive-buffer.ts';
import { finishHash, mixHash } from '../bytes/receive-buffer.ts';
import { ByteArena } from './byte-arena.ts';
import { grown } from './series-columns.ts';

/** The waits of one coordinator form a list; this ends it. */
export const NO_WAIT = 0;

/** A wait id as it stands in the receive buffer, and the place of its coordinator in the batch. */
export interface WaitName {
  coordinator: number;
  start: number;
  length: number;
  hash: number;
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
  private hashes = new Int32Array(FIRST_WAITS);
  private coordinators = new Int32Array(FIRST_WAITS);
  private mask = 2 * FIRST_WAITS - 1;
  private index = new Int32Array(2 * FIRST_WAITS);

  clear(): void {
    if (this.count > 0) this.index.fill(0);
    this.count = 0;
    this.ids.clear();
  }

  /** The wait of that name; `NO_WAIT` if the batch has not touched it. */
  find(name: WaitName, source: ReceiveBuffer): number {
    const hash = hashWait(name);
    for (let cell = hash & this.mask; ; cell = (cell + 1) & this.mask) {
      const wait = this.index[cell] ?? NO_WAIT;
      if (wait === NO_WAIT) return NO_WAIT;
      if (this.hashes[wait] === hash && this.isNamed(wait, name, source)) return wait;
    }
  }

  // oxlint-disable-next-line max-params -- called for every event of a wait
  private isNamed(wait: number, { coordinator, start, length }: WaitName, source: ReceiveBuffer): boolean {
    if (this.coordinators[wait] !== coordinator || this.lengths[wait] !== length) return false;
    const known = this.starts[wait] ?? 0;
    for (let at = 0; at < length; at++)
      if (this.ids.bytes[known + at] !== source.bytes[start + at]) return false;
    return true;
  }

  /** Adds a wait that is not there yet, in front of the list that begins with `next`. */
  insert(name: WaitName, next: number, source: ReceiveBuffer): number {
    const wait = ++this.count;
    if (wait === this.opened.length) this.grow();
    this.starts[wait] = this.ids.copy(source.bytes, name.start, name.length);
    this.lengths[wait] = name.length;
    this.coordinators[wait] = name.coordinator;
    this.hashes[wait] = hashWait(name);
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
    let cell = (this.hashes[wait] ?? 0) & this.mask;
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

function hashWait({ hash, coordinator }: WaitName): number {
  return finishHash(mixHash(hash, coordinator));
}

const FIRST_WAITS = 64;
