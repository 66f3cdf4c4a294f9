import type { DeflatedPart } from './deflated-part.ts';

/**
 * Bytes that several answers send at once, without a copy for each.
 *
 * ```
 *         lend               lend
 *   free ──────▶ lent once ──────▶ lent n times
 *    ▲             │    ▲               │
 *    └─ giveBack ──┘    └── giveBack ───┘
 * ```
 *
 * Bytes are changed in place only while they are free. If they are lent, a copy is changed and takes their place; the answers
 * keep the old bytes, which are freed with the last of them.
 */
export interface SharedBytes {
  /** The bytes themselves: the first part of `room`. */
  bytes: Buffer;
  readonly room: Buffer;
  /** Answers that may still read the bytes. */
  lent: number;
  /** The same bytes compressed, if they were compressed since they changed. */
  deflated: DeflatedPart | undefined;
}

/** Spare room of a copy, as a part of its size: numbers grow by a digit now and then. */
const SPARE_SHARE = 1 / 64;

/** A copy of `bytes`, with some room to grow. */
export function shareCopy(bytes: Uint8Array, spareShare = SPARE_SHARE): SharedBytes {
  const room = Buffer.allocUnsafeSlow(Math.ceil(bytes.length * (1 + spareShare)));
  room.set(bytes);
  return { bytes: room.subarray(0, bytes.length), room, lent: 0, deflated: undefined };
}

/** A text that never changes. */
export function shareText(text: string): SharedBytes {
  return shareCopy(Buffer.from(text), 0);
}

/**
 * Replaces what is between `start` and `end` by `replacement`. Returns the bytes that now hold the result: the same, or a
 * copy if they are lent or have no room.
 */
export function spliceBytes(
  shared: SharedBytes,
  { start, end }: { readonly start: number; readonly end: number },
  replacement: Uint8Array,
): SharedBytes {
  const shift = replacement.length - (end - start);
  const { length } = shared.bytes;
  const isWritable = shared.lent === 0 && length + shift <= shared.room.length;
  const target = isWritable ? shared : makeRoom(shared, length + shift);
  if (shift !== 0) {
    target.room.copyWithin(end + shift, end, length);
    target.bytes = target.room.subarray(0, length + shift);
  }
  target.bytes.set(replacement, start);
  target.deflated = undefined;
  return target;
}

/** A copy with room for `leastBytes`. */
function makeRoom({ bytes }: SharedBytes, leastBytes: number): SharedBytes {
  const room = Buffer.allocUnsafeSlow(Math.ceil(Math.max(bytes.length, leastBytes) * (1 + SPARE_SHARE)));
  room.set(bytes);
  return { bytes: room.subarray(0, bytes.length), room, lent: 0, deflated: undefined };
}
