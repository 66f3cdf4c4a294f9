import type { Micros } from '../histogram.ts';
import { CARRY } from './series-columns.ts';

/** A sum whose low part is below 2^52, exact. */
export function joinSum(low: number, carries: number): Micros {
  const sum = carries * CARRY + low;
  return sum <= Number.MAX_SAFE_INTEGER ? sum : BigInt(carries) * BigInt(CARRY) + BigInt(low);
}
