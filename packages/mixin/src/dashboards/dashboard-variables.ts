import type { DataSourceRef } from '@grafana/grafana-foundation-sdk/common';
import {
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';

/** The Prometheus that is selected on the dashboard. */
export const DATASOURCE: DataSourceRef = { type: 'prometheus', uid: '${datasource}' };

/** Selects the Prometheus; by default the first one, or Grafana's default. */
function datasourceVariable(): DatasourceVariableBuilder {
  return new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus');
}

/** Selects values of a label from the series of a selector: one, several, or all (including values that are not listed). */
export function labelVariable(
  label: string,
  { title, selector, description }: { title: string; selector: string; description: string },
): QueryVariableBuilder {
  return (
    new QueryVariableBuilder(label)
      .label(title)
      .description(description)
      .datasource(DATASOURCE)
      .query({
        qryType: 1,
        query: `label_values(${selector}, ${label})`,
        refId: 'PrometheusVariableQueryEditor-VariableQuery',
      })
      .refresh(VariableRefresh.OnTimeRangeChanged)
      // oxlint-disable-next-line unicorn/no-array-sort -- a builder, no array
      .sort(VariableSort.AlphabeticalAsc)
      .multi(true)
      .includeAll(true)
      .allValue('.+')
      .current({ selected: true, text: ['All'], value: ['$__all'] })
  );
}

/** Variables of every dashboard; `witness` is a metric that every target exposes. */
export function targetVariables(witness: string): [DatasourceVariableBuilder, ...QueryVariableBuilder[]] {
  return [
    datasourceVariable(),
    labelVariable('job', {
      title: 'Job',
      selector: witness,
      description: 'Scrape jobs to show.',
    }),
    labelVariable('instance', {
      title: 'Instance',
      selector: `${witness}{job=~"$job"}`,
      description: 'Targets to show.',
    }),
  ];
}

/** The variables of the dashboards of swarms. */
export function swarmVariables(): [DatasourceVariableBuilder, ...QueryVariableBuilder[]] {
  return [
    ...targetVariables('blocking_coordinators_total'),
    labelVariable('swarm_id', {
      title: 'Swarm',
      selector: 'blocking_coordinators_total{job=~"$job", instance=~"$instance"}',
      description: 'Swarms with a living coordinator in the selected time range.',
    }),
  ];
}

/** Selects coordinators of the selected swarms. */
export function coordinatorVariable(): QueryVariableBuilder {
  return labelVariable('coordinator_id', {
    title: 'Coordinator',
    selector: 'blocking_duration_seconds_count{job=~"$job", instance=~"$instance", swarm_id=~"$swarm_id"}',
    description:
      'Coordinators of the selected swarms that have finished a wait. All: also those that have not.',
  });
}
