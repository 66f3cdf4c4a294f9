import { knownLabelValues } from '@streamfold/core';
import { metricOf } from './metric-of.ts';
import type { RecordingRule } from './rule.ts';
import { SWARM_JOB } from './scrape-jobs.ts';

const UP = `up{job="${SWARM_JOB}"} == 1`;

/**
 * The sum of a metric of the swarm over all but `labels`, as `label:metric:sum`.
 *
 * From the first successful scrape on it exists, as 0, for every value of the labels that the schema knows. So its increase
 * includes the first event, and a condition on 0 can be met. While the target is down it does not exist: a sum that fell
 * to 0 would come back as an increase of everything.
 *
 * @see docs/decisions/0010-first-events-count.md
 */
export function sumRule(
  name: string,
  labels: readonly string[],
  part: '' | '_count' | '_sum' = '',
): RecordingRule {
  const sum = `sum by (${labels.join(', ')}) (${name}${part}{job="${SWARM_JOB}"})`;
  return { record: `${labels.join('_')}:${name}${part}:sum`, expr: orZero(sum, name, labels) };
}

/**
 * The sum of a histogram's buckets over all but one label, as `label_le:metric_bucket:sum`; needs the sum of its counts.
 *
 * Until buckets are scraped, the default buckets are 0; afterwards only the scraped buckets are: with custom buckets, a
 * default bound that is never counted would look as if every observation were above it.
 */
export function bucketSumRule(name: string, label: string): RecordingRule {
  const metric = metricOf(name);
  const bounds = metric.type === 'histogram' ? [...metric.buckets.map(String), '+Inf'] : [];
  // The same bound is `5` in one text format and `5.0` in the other.
  const sumBy = (labels: string): string => `sum by (${labels}) (label_replace(
  sum by (${labels}) (${name}_bucket{job="${SWARM_JOB}"}),
  "le", "$1", "le", "([0-9]+)[.]0"
))`;
  const sum = sumBy(`${label}, le`);
  const scraped = sumBy('le');
  const zeros = bounds
    .map((bound) => `label_replace(${label}:${name}_count:sum, "le", "${bound}", "", "")`)
    .join('\n  or ');
  return {
    record: `${label}_le:${name}_bucket:sum`,
    expr: `${sum}\nor\n0 * (\n  ${zeros}\n)\nand on (le) (\n  ${scraped}\n  or on () (\n  ${zeros}\n))`,
  };
}

function orZero(sum: string, name: string, labels: readonly string[]): string {
  if (labels.join() === 'job') return `${sum}\nor\n0 * max by (job) (${UP})`;
  const combinations = labels.reduce<readonly string[]>(
    (vectors, label) =>
      vectors.flatMap((vector) =>
        knownLabelValues(metricOf(name), label).map(
          (value) => `label_replace(${vector}, "${label}", "${value}", "", "")`,
        ),
      ),
    [UP],
  );
  if (combinations.length === 0) return sum;
  return `${sum}\nor\n0 * max by (${labels.join(', ')}) (\n  ${combinations.join('\n  or ')}\n)`;
}
