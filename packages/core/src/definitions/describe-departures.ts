import { CATALOGUE, type Catalogue } from '../catalogue.ts';

/**
 * Labels and buckets of the default catalogue that another one lacks, although the supplied rules, alerts and dashboards
 * query them. One line for each metric that differs.
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
