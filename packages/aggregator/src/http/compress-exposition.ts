import { createExposition, type Exposition } from '../view/exposition.ts';
import type { DeflatedPart } from '../view/deflated-part.ts';
import { shareCopy, type SharedBytes } from '../view/shared-bytes.ts';
import { advanceOver, appendCrc32 } from './crc32.ts';
import type { DeflatedRun, Deflater } from './deflater.ts';

/** Compressed at once: a batch is one message to the thread that compresses, and one back. */
const BATCH_BYTES = 1024 * 1024;
/** Batches that are copied and not compressed yet. */
const BATCHES_AHEAD = 4;

/** No name, no time, an unknown system. */
const HEADER = shareCopy(Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255), 0);
/** An empty block, the last one. */
const LAST_BLOCK = Uint8Array.of(3, 0);
const TRAILER_BYTES = 8;

/**
 * The exposition as one gzip member. Each part is compressed alone and keeps the result, so a part that has not changed is not
 * compressed again. One member, since curl, browsers and others read only the first.
 *
 * `plain` must be lent until the promise settles.
 */
export async function compressExposition(plain: Exposition, deflater: Deflater): Promise<Exposition> {
  const ahead: Promise<unknown>[] = [];
  for (const batch of listBatches(plain.parts)) {
    if (ahead.length === BATCHES_AHEAD) await ahead.shift();
    const deflating = deflateParts(batch, deflater);
    deflating.catch(() => undefined); // awaited below; until then a failure of several must not end the process
    ahead.push(deflating);
  }
  await Promise.all(ahead);
  const shared: SharedBytes[] = [HEADER];
  let crc = 0;
  for (const { deflated } of plain.parts) {
    if (deflated === undefined) throw new Error('expected every part to be compressed; one is not');
    crc = appendCrc32(crc, deflated.crc, deflated.advance);
    shared.push(deflated.shared);
  }
  const end = Buffer.alloc(LAST_BLOCK.length + TRAILER_BYTES);
  end.set(LAST_BLOCK);
  end.writeUInt32LE(crc, LAST_BLOCK.length);
  end.writeUInt32LE(plain.byteLength % 2 ** 32, LAST_BLOCK.length + 4);
  return createExposition([...shared, shareCopy(end, 0)]);
}

/** The parts that are not compressed yet. */
function* listBatches(parts: readonly SharedBytes[]): Generator<SharedBytes[]> {
  let batch: SharedBytes[] = [];
  let bytes = 0;
  for (const part of parts) {
    if (part.deflated !== undefined) continue;
    batch.push(part);
    bytes += part.bytes.length;
    if (bytes < BATCH_BYTES) continue;
    yield batch;
    [batch, bytes] = [[], 0];
  }
  if (batch.length > 0) yield batch;
}

async function deflateParts(parts: readonly SharedBytes[], deflater: Deflater): Promise<void> {
  const runs = await deflater.deflate(parts.map(({ bytes }) => bytes));
  for (const [at, part] of parts.entries()) part.deflated = toPart(part, runs[at]);
}

function toPart({ bytes }: SharedBytes, run: DeflatedRun | undefined): DeflatedPart | undefined {
  if (run === undefined) return undefined;
  return { shared: shareCopy(run.bytes, 0), crc: run.crc, advance: advanceOver(bytes.length) };
}
