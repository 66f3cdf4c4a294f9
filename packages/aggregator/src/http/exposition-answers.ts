import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import type { ExpositionFormat } from '@streamfold/core';
import { createTurns } from '../run/turns.ts';
import { createExposition, giveBack, lend, type Exposition } from '../view/exposition.ts';
import { BusyError } from '../view/variants.ts';
import { compressExposition } from './compress-exposition.ts';
import { createDeflater } from './deflater.ts';
import { PartsStream } from './parts-stream.ts';

/** Which bytes a client wants. */
interface Wanted {
  readonly format: ExpositionFormat;
  readonly zeroFirstSeconds: number | undefined;
  readonly encoding: 'gzip' | 'identity';
}

/**
 * The exposition as bytes, shared by all clients that wait for the same: 60 slow clients hold it once.
 *
 * ```
 *   admitted ──render──▶ lent to the answer ──stream──▶ being sent ──┐
 *       │                        │                                  │
 *       └────────────────────────┴───────── the response closes ◀───┘   given back, and the place is free
 * ```
 */
export interface ExpositionAnswers {
  /**
   * Takes one of the few places for answers, until the response is closed, and closes it if its client takes too long.
   *
   * @throws {BusyError} if no place is left.
   */
  admit(response: ServerResponse): Answering;
}

/** One open answer. */
interface Answering {
  /** The current exposition, rendered and compressed once for all clients that ask for the same. */
  render(wanted: Wanted): Promise<Exposition>;
  /** The bytes of it, not copied: the next are taken when the client has taken those before. */
  stream(exposition: Exposition): Readable;
}

/** Waiting or being sent. Enough for some Prometheus servers, each with some concurrent scrapes. */
const MAX_ANSWERS = 32;
/** Different texts that are being sent may take this much memory, or be few. */
const HELD_BYTES = 64 * 1024 * 1024;
const HELD_TEXTS = 3;
/** A client that has read nothing for this long is disconnected, ms. */
const STALL_MS = 10_000;
/** An answer is sent within this time, or cut off, ms: a client that reads a byte now and then cannot keep its place. */
const ANSWER_MS = 60_000;
/** The usual time until the next scrape of a scraper that finds no place, s. */
const RETRY_AFTER_SECONDS = 5;

export function createExpositionAnswers(
  scrape: (format: ExpositionFormat, zeroFirstSeconds: number | undefined) => Promise<Exposition>,
): ExpositionAnswers {
  const turns = new Map<string, () => Promise<Exposition>>();
  /** Number of answers that have been lent each exposition. */
  const held = new Map<Exposition, number>();
  const deflater = createDeflater();
  let answers = 0;

  const hold = (exposition: Exposition): void => {
    lend(exposition);
    held.set(exposition, (held.get(exposition) ?? 0) + 1);
  };
  const release = (exposition: Exposition): void => {
    giveBack(exposition);
    const count = (held.get(exposition) ?? 0) - 1;
    if (count > 0) held.set(exposition, count);
    else held.delete(exposition);
  };

  const turnOf = ({ format, zeroFirstSeconds, encoding }: Wanted): (() => Promise<Exposition>) => {
    const name = `${format} ${zeroFirstSeconds ?? 0} ${encoding}`;
    const known = turns.get(name);
    if (known !== undefined) return known;
    const turn = createTurns(async () => {
      const plain = await scrape(format, zeroFirstSeconds);
      if (encoding === 'identity') {
        // Every answer that waits for this turn holds it in the microtasks that follow: before the next immediate.
        setImmediate(() => giveBack(plain));
        return plain;
      }
      try {
        return await compressExposition(plain, deflater);
      } finally {
        giveBack(plain);
      }
    });
    turns.set(name, turn);
    return turn;
  };

  const checkPlace = (): void => {
    if (answers < MAX_ANSWERS && (held.size < HELD_TEXTS || countBytes(held.keys()) <= HELD_BYTES)) return;
    throw new BusyError('too many clients are being answered', RETRY_AFTER_SECONDS);
  };

  return {
    admit(response) {
      checkPlace();
      answers++;
      const cutOff = (): void => void response.socket?.destroy();
      const deadline = setTimeout(cutOff, ANSWER_MS);
      let stall: NodeJS.Timeout | undefined;
      let sent: Exposition | undefined;
      response.once('close', () => {
        answers--;
        clearTimeout(deadline);
        clearTimeout(stall);
        if (sent !== undefined) release(sent);
      });
      return {
        async render(wanted) {
          const exposition = await turnOf(wanted)();
          if (!response.closed) hold((sent = exposition));
          return exposition;
        },
        stream({ parts }) {
          if (!response.closed) stall = setTimeout(cutOff, STALL_MS);
          return new PartsStream(parts, () => void stall?.refresh());
        },
      };
    },
  };
}

/** Bytes of several expositions; those that they share count once. */
function countBytes(expositions: Iterable<Exposition>): number {
  const parts = new Set([...expositions].flatMap((exposition) => exposition.parts));
  return createExposition([...parts]).byteLength;
}
