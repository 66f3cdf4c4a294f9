import { STEP_BYTES, STEP_FIRST, STEP_LAST, type Layout } from './layout.ts';

/**
 * A constant segment of a layout is compared in pieces of eight bytes, read as floating-point numbers: the widest comparison
 * that JavaScript has. It is exact: the bytes of a segment are ASCII, so no piece is NaN or zero, the only numbers that do not
 * equal themselves or have two forms. The last piece overlaps the one before it. A shorter segment is two words of four bytes,
 * of which the bytes behind its end are masked.
 */
const PIECE_BYTES = 8;

/** Masks of the first and of the second word of a segment of up to seven bytes, by its bytes. */
const FIRST_MASKS = Int32Array.from([0, 0xff, 0xffff, 0xffffff, -1, -1, -1, -1]);
const SECOND_MASKS = Int32Array.from([0, 0, 0, 0, 0, 0xff, 0xffff, 0xffffff]);

/** The pieces of a segment; if it is shorter than one, its two words. */
export function cutSegment(segment: string): number[] {
  const view = new DataView(new ArrayBuffer(segment.length + PIECE_BYTES));
  for (let at = 0; at < segment.length; at++) view.setUint8(at, segment.charCodeAt(at));
  if (segment.length < PIECE_BYTES) return [view.getInt32(0, true), view.getInt32(4, true)];
  const last = segment.length - PIECE_BYTES;
  const pieces: number[] = [];
  for (let at = 0; at < last; at += PIECE_BYTES) pieces.push(view.getFloat64(at, true));
  return [...pieces, view.getFloat64(last, true)];
}

/** True if the segment of a layout whose numbers begin at `step` stands at `start`. */
// oxlint-disable-next-line max-params -- called for every value
export function isSegment({ steps, pieces }: Layout, step: number, view: DataView, start: number): boolean {
  const bytes = steps[step + STEP_BYTES] ?? 0;
  const last = steps[step + STEP_LAST] ?? 0;
  let piece = steps[step + STEP_FIRST] ?? 0;
  if (bytes < PIECE_BYTES)
    return (
      (view.getInt32(start, true) & (FIRST_MASKS[bytes] ?? 0)) === pieces[piece] &&
      (view.getInt32(start + 4, true) & (SECOND_MASKS[bytes] ?? 0)) === pieces[last]
    );
  for (let at = start; piece < last; piece++, at += PIECE_BYTES)
    if (view.getFloat64(at, true) !== pieces[piece]) return false;
  return view.getFloat64(start + bytes - PIECE_BYTES, true) === pieces[last];
}
