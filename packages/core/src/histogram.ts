/**
 * Whole microseconds, exact: a number up to 2^53 − 1, a bigint above, which 285 durations of a year exceed. Numbers where
 * they suffice, since each addition of bigints makes an object.
 */
export type Micros = number | bigint;

/** The exact sum. */
export function addMicros(left: Micros, right: Micros): Micros {
  if (typeof left === 'number' && typeof right === 'number') {
    const sum = left + right;
    if (sum <= Number.MAX_SAFE_INTEGER) return sum;
  }
  return BigInt(left) + BigInt(right);
}

/** Observations of a duration, as integers: sums of integers do not depend on the order in which they are added. */
export interface Histogram {
  /** Sum of all observations in whole microseconds. */
  sumMicros: Micros;
  /** Observations per bucket, not cumulative; the last one is `+Inf`. */
  readonly buckets: number[];
}

/** A histogram with `bucketCount` finite buckets and no observations. */
export function emptyHistogram(bucketCount: number): Histogram {
  return { sumMicros: 0, buckets: new Array<number>(bucketCount + 1).fill(0) };
}

/** Counts one observation of `micros`; `boundsMicros` are the inclusive upper bounds of the finite buckets. */
export function observeMicros(histogram: Histogram, boundsMicros: readonly number[], micros: number): void {
  let bucket = 0;
  while (bucket < boundsMicros.length && micros > (boundsMicros[bucket] ?? 0)) bucket++;
  histogram.buckets[bucket] = (histogram.buckets[bucket] ?? 0) + 1;
  histogram.sumMicros = addMicros(histogram.sumMicros, micros);
}

/** Adds `from` to `into`. Both must be of the same metric. */
export function mergeHistogram(into: Histogram, from: Histogram): void {
  into.sumMicros = addMicros(into.sumMicros, from.sumMicros);
  for (let bucket = 0; bucket < from.buckets.length; bucket++) {
    into.buckets[bucket] = (into.buckets[bucket] ?? 0) + (from.buckets[bucket] ?? 0);
  }
}

/** Number of observations. */
export function histogramCount(histogram: Histogram): number {
  let count = 0;
  for (const observations of histogram.buckets) count += observations;
  return count;
}
