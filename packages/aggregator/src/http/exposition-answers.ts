import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { ExpositionFormat } from '@streamfold/core';
import { createTurns } from '../run/turns.ts';
import { BusyError } from '../view/variants.ts';

/** Which bytes a client wants. */
interface Wanted {
  readonly format: ExpositionFormat;
  readonly zeroFirstSeconds: number | undefined;
  readonly encoding: 'gzip' | 'identity';
}

/** The exposition as bytes, shared by all clients that wait for the same: 60 slow clients hold it once. */
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
  /** The current bytes, rendered and compressed once for all clients that ask for the same. */
  render(wanted: Wanted): Promise<Buffer>;
  /** The same bytes in slices, not copied: the next is taken when the client has taken those before. */
  stream(bytes: Buffer): Readable;
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
const SLICE_BYTES = 256 * 1024;

const compress = promisify(gzip);

export function createExpositionAnswers(
  scrape: (format: ExpositionFormat, zeroFirstSeconds: number | undefined) => Promise<string>,
): ExpositionAnswers {
  const turns = new Map<string, () => Promise<Buffer>>();
  /** Number of answers that send each text. */
  const held = new Map<Buffer, number>();
  let answers = 0;

  const hold = (bytes: Buffer, by: 1 | -1): void => {
    const count = (held.get(bytes) ?? 0) + by;
    if (count > 0) held.set(bytes, count);
    else held.delete(bytes);
  };

  const turnOf = ({ format, zeroFirstSeconds, encoding }: Wanted): (() => Promise<Buffer>) => {
    const name = `${format} ${zeroFirstSeconds ?? 0} ${encoding}`;
    const known = turns.get(name);
    if (known !== undefined) return known;
    const turn = createTurns(async () => {
      const bytes = Buffer.from(await scrape(format, zeroFirstSeconds));
      return encoding === 'gzip' ? compress(bytes) : bytes;
    });
    turns.set(name, turn);
    return turn;
  };

  const checkPlace = (): void => {
    const heldBytes = [...held.keys()].reduce((sum, { length }) => sum + length, 0);
    if (answers < MAX_ANSWERS && (held.size < HELD_TEXTS || heldBytes <= HELD_BYTES)) return;
    throw new BusyError('too many clients are being answered', RETRY_AFTER_SECONDS);
  };

  return {
    admit(response) {
      checkPlace();
      answers++;
      const cutOff = (): void => void response.socket?.destroy();
      const deadline = setTimeout(cutOff, ANSWER_MS);
      let stall: NodeJS.Timeout | undefined;
      let sent: Buffer | undefined;
      response.once('close', () => {
        answers--;
        clearTimeout(deadline);
        clearTimeout(stall);
        if (sent !== undefined) hold(sent, -1);
      });
      return {
        render: (wanted) => turnOf(wanted)(),
        stream(bytes) {
          if (!response.closed) {
            hold((sent = bytes), 1);
            stall = setTimeout(cutOff, STALL_MS);
          }
          return Readable.from(
            slice(bytes, () => void stall?.refresh()),
            {
              objectMode: false,
              highWaterMark: SLICE_BYTES,
            },
          );
        },
      };
    },
  };
}

function* slice(bytes: Buffer, onNext: () => void): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
    onNext();
    yield bytes.subarray(at, at + SLICE_BYTES);
  }
}
