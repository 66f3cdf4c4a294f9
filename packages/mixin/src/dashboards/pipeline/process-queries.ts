import { selectProcessSeries } from '../select-series.ts';

/** A rate of each series of the chosen aggregators. */
export function rate(name: string): string {
  return `rate(${selectProcessSeries(name)}[$__rate_interval])`;
}

/** Selects the process series of aggregators only: other programs have metrics of the same names. */
export function ofAggregators(vector: string): string {
  return `${vector}\n    and on (job, instance) ${selectProcessSeries('streamfold_build_info')}`;
}

/** Every aggregator measures the same shards: the highest value is taken. */
export function ofShard(name: string): string {
  return `max by (shard) (${selectProcessSeries(name, 'shard')})`;
}

/** The increase of a counter in the shown time range, over all chosen aggregators. */
export function inRange(name: string): string {
  return `sum(increase(${selectProcessSeries(name)}[$__range]))`;
}
