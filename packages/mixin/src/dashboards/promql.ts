import { SWARM_JOB } from '../rules/scrape-jobs.ts';
import { selectSeries, type SwarmVariable } from './select-series.ts';

/** `sum by (…) (vector)`, or `sum(vector)` without labels. */
export function sumBy(labels: readonly string[], vector: string): string {
  return labels.length === 0 ? `sum(${vector})` : `sum by (${labels.join(', ')}) (${vector})`;
}

/** A rate for a minute instead of a second: for what is rare, as deaths are. */
export function perMinute(rate: string): string {
  return `60 * ${rate}`;
}

/** The quantile within the buckets whose rate is given, for each value of the labels. */
export function quantileBy(share: number, labels: readonly string[], bucketRate: string): string {
  return `histogram_quantile(${share}, ${sumBy(['le', ...labels], bucketRate)})`;
}

/** The sum of a gauge over all chosen series. */
export function sumOfGauge(
  name: string,
  variables: readonly SwarmVariable[],
  matchers: readonly string[] = [],
): string {
  return `sum(${selectSeries(name, variables, matchers)})`;
}

/**
 * 0 if the target is scraped but has no series: no coordinator is alive, none waits. If it cannot be scraped there is no
 * value: unknown is not 0.
 */
export function orZero(expression: string): string {
  return `${expression}\nor\n0 * count(up{job="${SWARM_JOB}", job=~"$job", instance=~"$instance"} == 1)`;
}
