import { selectProcessSeries } from '../select-series.ts';

/** A rate of each series of the chosen aggregators. */
export function rate(name: string): string {
  return `rate(${selectProcessSeries(name)}[$__rate_interval])`;
}

/** Of the series of processes, those of aggregators: other programs have metrics of the same names. */
export function ofAggregators(vector: string): string {
  return `${vector}\n    and on (job, instance) ${selectProcessSeries('streamfold_build_info')}`;
}

/** Every aggregator measures the same shards: the highest is the latest word. */
export function ofShard(name: string): string {
  return `max by (shard) (${selectProcessSeries(name, 'shard')})`;
}

/** How much a counter has grown in the time that is shown, of all chosen aggregators. */
export function inRange(name: string): string {
  return `sum(increase(${selectProcessSeries(name)}[$__range]))`;
}
