import { CATALOGUE } from '@streamfold/core';

/** Part of every selector, with variables that all dashboards have, so that one Prometheus may scrape several installations. */
const TARGET = 'job=~"$job", instance=~"$instance"';

/** Variables by the label whose values they select. A selector uses those for which its metric has a label. */
const VARIABLES = ['swarm_id', 'coordinator_id', 'phase'] as const;

export type SwarmVariable = (typeof VARIABLES)[number];

/** Labels of a metric of the swarm. `_bucket`, `_sum` and `_count` of a histogram are accepted too. @throws for any other. */
function labelsOf(name: string): readonly string[] {
  const metric = CATALOGUE.find(
    (each) =>
      each.name === name ||
      (each.type === 'histogram' && name.replace(/_(bucket|sum|count)$/, '') === each.name),
  );
  if (metric === undefined) throw new Error(`expected a metric of the catalogue; got ${name}`);
  return metric.labels;
}

/** `metric{…}`: the series of the chosen targets, narrowed by the other selections of the dashboard. */
export function selectSeries(
  name: string,
  variables: readonly SwarmVariable[],
  matchers: readonly string[] = [],
): string {
  const labels = labelsOf(name);
  const chosen = variables.filter((variable) => labels.includes(variable));
  return `${name}{${[TARGET, ...chosen.map((variable) => `${variable}=~"$${variable}"`), ...matchers].join(', ')}}`;
}

/** `metric{…}`: the series of the chosen aggregators; `shard` if the metric has that label. */
export function selectProcessSeries(name: string, label?: 'shard'): string {
  return `${name}{${TARGET}${label === undefined ? '' : `, ${label}=~"$${label}"`}}`;
}

/**
 * A rate of each series of the chosen swarms and coordinators.
 *
 * Metrics without a `swarm_id` are narrowed by their coordinator (`role`: the label that holds it): the series
 * of coordinators that finished waits only in other swarms are left out. A coordinator without a known wait is never left
 * out, so that one that died before it finished its first wait is seen.
 */
export function rateOfChosen(
  name: string,
  {
    role = 'coordinator_id',
    anyCoordinator = false,
    matchers = [],
    range = '$__rate_interval',
    call = 'rate',
  }: {
    role?: 'coordinator_id' | 'sender_id' | 'receiver_id';
    /** True to ignore the variable of coordinators. */
    anyCoordinator?: boolean;
    matchers?: readonly string[];
    range?: '$__rate_interval' | '$__range';
    call?: 'rate' | 'increase';
  } = {},
): string {
  const variables: readonly SwarmVariable[] = anyCoordinator ? ['swarm_id'] : ['swarm_id', 'coordinator_id'];
  const labels = labelsOf(name);
  if (labels.includes('swarm_id')) return `${call}(${selectSeries(name, variables, matchers)}[${range}])`;
  const byRole = role === 'coordinator_id' || anyCoordinator ? [] : [`${role}=~"$coordinator_id"`];
  const rate = `${call}(${selectSeries(name, variables, [...byRole, ...matchers])}[${range}])`;
  return `\n  ${rate}\n  unless on (${role}) ${coordinatorsElsewhere(role)}\n`;
}

function coordinatorsElsewhere(role: string): string {
  const elsewhere = `${coordinatorsOf('!~')}\n    unless ${coordinatorsOf('=~')}`;
  return role === 'coordinator_id'
    ? `(\n    ${elsewhere}\n  )`
    : `label_replace(\n    ${elsewhere},\n    "${role}", "$1", "coordinator_id", "(.*)"\n  )`;
}

/** Coordinators that finished waits in the chosen swarms, or in the others. */
function coordinatorsOf(swarms: '=~' | '!~'): string {
  return `group by (coordinator_id) (blocking_duration_seconds_count{${TARGET}, swarm_id${swarms}"$swarm_id"})`;
}
