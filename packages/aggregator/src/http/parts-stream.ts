import { Readable, type Writable } from 'node:stream';
import type { SharedBytes } from '../view/shared-bytes.ts';

/** Handed to the system at once, bytes: with fewer the process is woken more often, with more a slow client is noticed later. */
const WRITE_BYTES = 256 * 1024;

/**
 * The bytes of an exposition, as a stream that copies none of them. Unlike that of Node, `pipe` writes several parts at
 * once (`writev`), and the next ones when the client has taken those.
 */
export class PartsStream extends Readable {
  readonly #parts: readonly SharedBytes[];
  readonly #onProgress: () => void;
  #at = 0;

  /** @param onProgress called whenever the client has taken some. */
  constructor(parts: readonly SharedBytes[], onProgress: () => void) {
    super({ highWaterMark: WRITE_BYTES });
    this.#parts = parts.filter(({ bytes }) => bytes.length > 0);
    this.#onProgress = onProgress;
  }

  /** For readers that do not use `pipe`. */
  override _read(): void {
    this.#onProgress();
    this.push(this.#parts[this.#at++]?.bytes ?? null);
  }

  override pipe<T extends NodeJS.WritableStream>(destination: T): T {
    if (isWritable(destination)) this.#writeSome(destination);
    else super.pipe(destination);
    return destination;
  }

  #writeSome(destination: Writable): void {
    if (this.destroyed) return;
    this.#onProgress();
    destination.cork();
    let hasRoom = true;
    for (let left = WRITE_BYTES; left > 0 && this.#at < this.#parts.length; this.#at++) {
      const bytes = this.#parts[this.#at]?.bytes;
      if (bytes === undefined) break;
      hasRoom = destination.write(bytes);
      left -= bytes.length;
    }
    destination.uncork();
    if (this.#at === this.#parts.length) destination.end();
    else if (hasRoom) setImmediate(() => this.#writeSome(destination));
    else destination.once('drain', () => this.#writeSome(destination));
  }
}

function isWritable(destination: NodeJS.WritableStream): destination is Writable {
  return 'cork' in destination;
}
