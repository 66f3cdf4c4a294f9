import { CATALOGUE, type Catalogue } from '../catalogue.ts';

/**
 * What the default catalogue has and another one lacks: labels and buckets that delivered rules, alerts and dashboards ask
 * for. A line for each metric, without a line for what is the same.
 */
export function describeDepartures(catalogue: Catalogue): readonly string[] {
  return CATALOGUE.flatMap((metric) => {
    const other = catalogue.find(({ name }) => name === metric.name);
    if (other === undefined || other.type !== metric.type) return [];
    const labels = metric.labels.filter((label) => !other.labels.includes(label));
    const buckets =
      metric.type === 'histogram' && other.type === 'histogram'
        ? metric.buckets.filter((bound) => !other.buckets.includes(bound))
        : [];
    const lacking = [
      ...(labels.length > 0 ? [`the labels ${labels.join(', ')}`] : []),
      ...(buckets.length > 0 ? [`the buckets ${buckets.join(', ')}`] : []),
    ];
    return lacking.length === 0 ? [] : [`${metric.name} lacks ${lacking.join(' and ')}`];
  });
}
