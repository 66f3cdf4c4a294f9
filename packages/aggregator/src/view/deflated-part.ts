import type { SharedBytes } from './shared-bytes.ts';

/** Bytes of the exposition as raw deflate data, which ends on a byte and refers to nothing outside of it. */
export interface DeflatedPart {
  readonly shared: SharedBytes;
  /** CRC-32 of the bytes that were compressed. */
  readonly crc: number;
  /** What `advanceOver` gives for their number. */
  readonly advance: number;
}
