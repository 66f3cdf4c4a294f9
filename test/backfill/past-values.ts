/** A counter over time: its value at a given time, ms. */
export type Counter = (atMs: number) => number;

/** A range of time and the samples in it, seconds. */
export interface Range {
  /** The end, in the middle between two samples. */
  readonly atSeconds: number;
  readonly lengthSeconds: number;
  readonly stepSeconds: number;
}

/**
 * The expected `rate()` of a counter with a sample at each step, from the one before its birth on: the increase between
 * the first and the last sample in the range, extrapolated to the ends of the range, but not below 0. The buckets of a
 * histogram are born with its `count`.
 *
 * @see https://prometheus.io/docs/prometheus/latest/querying/functions/#rate
 */
export function rateOf(
  counter: Counter,
  { atSeconds, lengthSeconds, stepSeconds }: Range,
  count: Counter = counter,
): number {
  const half = stepSeconds / 2;
  const lastSeconds = atSeconds - half;
  let firstSeconds = atSeconds - lengthSeconds + half;
  while (firstSeconds < lastSeconds && count((firstSeconds + stepSeconds) * 1_000) === 0) {
    firstSeconds += stepSeconds;
  }
  const first = counter(firstSeconds * 1_000);
  const increase = counter(lastSeconds * 1_000) - first;
  const sampledSeconds = lastSeconds - firstSeconds;
  if (increase === 0) return 0;
  const toZero = (sampledSeconds * first) / increase;
  const extrapolated = sampledSeconds + Math.min(half, toZero) + half;
  return (increase * extrapolated) / sampledSeconds / lengthSeconds;
}

/**
 * The expected `histogram_quantile()` for rates of cumulative buckets.
 *
 * @see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile
 */
export function quantileOf(
  q: number,
  bounds: readonly number[],
  cumulative: readonly number[],
): number | undefined {
  const total = cumulative.at(-1) ?? 0;
  if (total === 0) return undefined;
  const rank = q * total;
  const bucket = cumulative.findIndex((count) => count >= rank);
  if (bucket >= bounds.length) return bounds.at(-1);
  const lower = bounds[bucket - 1] ?? 0;
  const below = cumulative[bucket - 1] ?? 0;
  return lower + (((bounds[bucket] ?? 0) - lower) * (rank - below)) / ((cumulative[bucket] ?? 0) - below);
}
