import { finishHash, mixHash, type ReceiveBuffer } from './receive-buffer.ts';

/** The values of a key's labels, as places in the receive buffer. One is used again for each key. */
export class KeyParts {
  readonly source: ReceiveBuffer;
  count = 0;
  readonly starts = new Int32Array(MOST_PARTS);
  readonly lengths = new Int32Array(MOST_PARTS);
  /** Bytes of the key, with the separators. */
  length = 0;
  hash = 0;

  constructor(source: ReceiveBuffer) {
    this.source = source;
  }

  clear(): void {
    this.count = 0;
    this.length = -1; // a separator less than parts
    this.hash = 0;
  }

  /** Adds a part; `hash` is that of its bytes. */
  add(start: number, length: number, hash: number): void {
    this.starts[this.count] = start;
    this.lengths[this.count] = length;
    this.count++;
    this.length += length + 1;
    this.hash = mixHash(this.hash, hash);
  }

  /** To be called after the last part. */
  finish(): void {
    if (this.count === 0) this.length = 0;
    this.hash = finishHash(this.hash);
  }
}

/** No event has so many fields. */
export const MOST_PARTS = 16;
