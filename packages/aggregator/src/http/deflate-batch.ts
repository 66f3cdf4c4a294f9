import { constants, crc32, deflateRawSync } from 'node:zlib';

/** Several runs of bytes, one after the other. */
export interface Batch {
  readonly lengths: readonly number[];
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The same runs as raw deflate data. Each ends on a byte and refers to nothing outside of it. */
export interface DeflatedBatch extends Batch {
  /** CRC-32 of each run before it was compressed. */
  readonly crcs: readonly number[];
  /** The memory of the batch, which can be used for another one. */
  readonly room: ArrayBuffer;
}

/** The text repeats itself so much that higher levels take twice the time for a tenth less. */
const LEVEL = 2;
/** A compressed page takes about 2 KiB; most of the default of 16 KiB would be garbage. */
const CHUNK_BYTES = 4 * 1024;
const OPTIONS = { level: LEVEL, chunkSize: CHUNK_BYTES, finishFlush: constants.Z_SYNC_FLUSH };

export function deflateBatch(batch: Batch): DeflatedBatch {
  const runs = splitBatch(batch);
  const deflated = joinBatch(runs.map((run) => deflateRawSync(run, OPTIONS)));
  return { ...deflated, crcs: runs.map((run) => crc32(run)), room: batch.bytes.buffer };
}

/** A copy of some runs, in memory that can be handed to another thread: in `room`, if that is large enough. */
export function joinBatch(runs: readonly Uint8Array[], room?: ArrayBuffer): Batch {
  const byteLength = runs.reduce((sum, { length }) => sum + length, 0);
  const isRoomy = room !== undefined && room.byteLength >= byteLength;
  const bytes = isRoomy ? new Uint8Array(room, 0, byteLength) : new Uint8Array(byteLength);
  let at = 0;
  for (const run of runs) {
    bytes.set(run, at);
    at += run.length;
  }
  return { lengths: runs.map(({ length }) => length), bytes };
}

/** The runs, not copied. */
export function splitBatch({ lengths, bytes }: Batch): Uint8Array[] {
  let at = 0;
  return lengths.map((length) => bytes.subarray(at, (at += length)));
}
