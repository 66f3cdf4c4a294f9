import { promisify } from 'node:util';
import { constants, crc32, deflateRaw } from 'node:zlib';
import type { DeflatedPart } from '../view/deflated-part.ts';
import { createExposition, type Exposition } from '../view/exposition.ts';
import { shareCopy, type SharedBytes } from '../view/shared-bytes.ts';
import { advanceOver, appendCrc32 } from './crc32.ts';

const deflate = promisify(deflateRaw);

/** The text repeats itself so much that higher levels take twice the time for a tenth less. */
const LEVEL = 2;
/** Parts that are compressed at once, in threads of libuv; each takes some 300 KB meanwhile. */
const AT_ONCE = 2;

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
export async function compressExposition(plain: Exposition): Promise<Exposition> {
  const parts: DeflatedPart[] = [];
  let next = 0;
  const compressSome = async (): Promise<void> => {
    for (let at = next++; at < plain.parts.length; at = next++) {
      const part = plain.parts[at];
      if (part !== undefined) parts[at] = await (part.deflated ??= deflatePart(part));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, compressSome));
  let crc = 0;
  for (const part of parts) crc = appendCrc32(crc, part.crc, part.advance);
  const end = Buffer.alloc(LAST_BLOCK.length + TRAILER_BYTES);
  end.set(LAST_BLOCK);
  end.writeUInt32LE(crc, LAST_BLOCK.length);
  end.writeUInt32LE(plain.byteLength % 2 ** 32, LAST_BLOCK.length + 4);
  return createExposition([HEADER, ...parts.map(({ shared }) => shared), shareCopy(end, 0)]);
}

async function deflatePart(part: SharedBytes): Promise<DeflatedPart> {
  const { bytes } = part;
  try {
    const compressed = await deflate(bytes, { level: LEVEL, finishFlush: constants.Z_SYNC_FLUSH });
    return { shared: shareCopy(compressed, 0), crc: crc32(bytes), advance: advanceOver(bytes.length) };
  } catch (error) {
    part.deflated = undefined;
    throw error;
  }
}
