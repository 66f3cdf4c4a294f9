import { CATALOGUE, type Metric } from '@streamfold/core';

/** A metric of the swarm. @throws {RangeError} if the catalogue has none of that name. */
export function metricOf(name: string): Metric {
  const metric = CATALOGUE.find((each) => each.name === name);
  if (metric === undefined) throw new RangeError(`expected a metric of the catalogue; got ${name}`);
  return metric;
}
