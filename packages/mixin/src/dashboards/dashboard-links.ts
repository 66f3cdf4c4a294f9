import { DashboardLinkBuilder, DashboardLinkType } from '@grafana/grafana-foundation-sdk/dashboard';
import { DASHBOARD_UIDS, type DashboardUid } from './dashboard-uids.ts';

/** Tags by which the dashboards link to each other: those of swarms, and the one of the pipeline. */
export type DashboardKind = 'swarm' | 'pipeline';

/**
 * Links at the top to the other dashboards. They keep the time range and, between dashboards of swarms, the selection. The
 * dashboard of the pipeline has other scrape jobs, so links to and from it do not keep the selection.
 */
export function linksToOthers(kind: DashboardKind): DashboardLinkBuilder[] {
  return (['swarm', 'pipeline'] as const).map((each) =>
    new DashboardLinkBuilder(each === 'swarm' ? 'Blocking coordination' : 'Streamfold')
      .type(DashboardLinkType.Dashboards)
      .tags(['streamfold', each])
      .asDropdown(false)
      .includeVars(each === kind)
      .keepTime(true)
      .targetBlank(false),
  );
}

/** Link from a value to the dashboard of its swarm. `from`: the label that holds the name of the swarm, or the cell. */
export function linkToSwarm(from: 'label' | 'cell'): DashboardLinkBuilder {
  return drillDown('Swarm', DASHBOARD_UIDS.swarm, { variable: 'swarm_id', from });
}

/** Link from a value to the dashboard of its phase. */
export function linkToPhase(from: 'label' | 'cell'): DashboardLinkBuilder {
  return drillDown('Phase', DASHBOARD_UIDS.phase, { variable: 'phase', from, keep: ['swarm_id'] });
}

/** Link from a value to the dashboard of swarms with its coordinator selected; the selected swarms stay. */
export function linkToCoordinator(from: 'label' | 'cell', label = 'coordinator_id'): DashboardLinkBuilder {
  return drillDown('Coordinator', DASHBOARD_UIDS.swarm, {
    variable: 'coordinator_id',
    label,
    from,
    keep: ['swarm_id'],
  });
}

function drillDown(
  title: string,
  uid: DashboardUid,
  {
    variable,
    label = variable,
    from,
    keep = [],
  }: {
    variable: string;
    label?: string;
    from: 'label' | 'cell';
    keep?: readonly string[];
  },
): DashboardLinkBuilder {
  const value = from === 'label' ? `__field.labels.${label}` : '__value.raw';
  const kept = ['datasource', 'job', 'instance', ...keep].map((name) => `\${${name}:queryparam}`);
  const url = `/d/${uid}?${['${__url_time_range}', ...kept].join('&')}&var-${variable}=\${${value}:percentencode}`;
  return new DashboardLinkBuilder(`${title}: \${${value}}`)
    .type(DashboardLinkType.Link)
    .url(url)
    .targetBlank(false);
}
