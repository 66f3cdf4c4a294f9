/** Observations of a duration, as integers: sums of integers do not depend on the order in which they are added. */
export interface Histogram {
  /** Sum of all observations in whole microseconds; a bigint, since 285 durations of a year exceed 2^53. */
  sumMicros: bigint;
  /** Observations per bucket, not cumulative; the last one is `+Inf`. */
  readonly buckets: number[];
}

/** A histogram with `bucketCount` finite buckets and no observations. */
export function emptyHistogram(bucketCount: number): Histogram {
  return { sumMicros: 0n, buckets: new Array<number>(bucketCount + 1).fill(0) };
}

/** Counts one observation of `micros`; `boundsMicros` are the inclusive upper bounds of the finite buckets. */
export function observeMicros(histogram: Histogram, boundsMicros: readonly number[], micros: number): void {
  let bucket = 0;
  while (bucket < boundsMicros.length && micros > (boundsMicros[bucket] ?? 0)) bucket++;
  histogram.buckets[bucket] = (histogram.buckets[bucket] ?? 0) + 1;
  histogram.sumMicros += BigInt(micros);
}

/** Adds `from` to `into`. Both must be of the same metric. */
export function mergeHistogram(into: Histogram, from: Histogram): void {
  into.sumMicros += from.sumMicros;
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
