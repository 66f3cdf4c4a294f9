import { formatDuration } from '../rules/format-duration.ts';
import { metricOf } from '../rules/metric-of.ts';
import type { PanelSpec } from './panel/panel-spec.ts';

/**
 * How a panel shows quantiles that lie beyond the last bucket of a histogram: a dashed line at its bound, and "over 10s"
 * for the value. Slower ones are not measured more exactly: the quantile is the bound itself, and looks like a value.
 */
export function endOfBuckets(name: string): Pick<PanelSpec, 'thresholds' | 'texts'> {
  const metric = metricOf(name);
  const last = metric.type === 'histogram' ? metric.buckets.at(-1) : undefined;
  if (last === undefined) throw new RangeError(`expected a histogram; got ${name}`);
  return {
    thresholds: [
      { value: null, color: 'green' },
      { value: last, color: 'red' },
    ],
    texts: { [last]: `over ${formatDuration(last * 1_000)}` },
  };
}
