import { Worker } from 'node:worker_threads';
import { joinBatch, splitBatch, type DeflatedBatch } from './deflate-batch.ts';

/** Compresses in a thread of its own: the main thread only copies the bytes. */
export interface Deflater {
  /**
   * The runs as raw deflate data, each with its CRC-32. In the order in which it was asked for.
   *
   * @throws {Error} if the thread has ended; the next call starts another one.
   */
  deflate(runs: readonly Uint8Array[]): Promise<readonly DeflatedRun[]>;
}

export interface DeflatedRun {
  readonly bytes: Uint8Array;
  readonly crc: number;
}

/** An idle thread is ended after this time, ms; the next gzip scrape starts another one. */
const IDLE_MS = 120_000;
/** The thread keeps little; without limits it would take memory for garbage. */
const LIMITS = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 };

interface Waiting {
  readonly resolve: (batch: DeflatedBatch) => void;
  readonly reject: (error: Error) => void;
}

/**
 * ```
 *   no thread ──deflate──▶ running ──idle for two minutes, or failed──▶ no thread
 * ```
 */
export function createDeflater(): Deflater {
  let worker: Worker | undefined;
  let idle: NodeJS.Timeout | undefined;
  /** Unanswered calls, in the order in which the thread answers. */
  let waiting: Waiting[] = [];
  /** Memory of answered batches, for the next ones. */
  let spare: ArrayBuffer[] = [];

  const end = (error: Error): void => {
    clearTimeout(idle);
    void worker?.terminate();
    worker = undefined;
    spare = [];
    const left = waiting;
    waiting = [];
    for (const { reject } of left) reject(error);
  };

  const start = (): Worker => {
    const started = new Worker(new URL('./deflate-thread.js', import.meta.url), {
      execArgv: [],
      resourceLimits: LIMITS,
    });
    started.on('message', (batch: DeflatedBatch) => {
      // A thread that was ended may still deliver an answer, to a call that has been rejected.
      if (worker !== started) return;
      waiting.shift()?.resolve(batch);
      if (waiting.length === 0) started.unref(); // a process may end while its thread is idle
    });
    started.on('error', (error) => {
      if (worker === started) end(error);
    });
    started.on('exit', (code) => {
      if (worker === started)
        end(new Error(`expected the thread that compresses to run; it ended with code ${code}`));
    });
    return started;
  };

  return {
    async deflate(runs) {
      const batch = joinBatch(runs, spare.pop());
      worker ??= start();
      worker.ref();
      worker.postMessage(batch, [batch.bytes.buffer]);
      clearTimeout(idle);
      idle = setTimeout(
        () => end(new Error('expected an answer of the thread that compresses; got none')),
        IDLE_MS,
      ).unref();
      const deflated = await new Promise<DeflatedBatch>((resolve, reject) =>
        waiting.push({ resolve, reject }),
      );
      spare.push(deflated.room);
      return splitBatch(deflated).map((bytes, at) => ({ bytes, crc: deflated.crcs[at] ?? 0 }));
    },
  };
}
