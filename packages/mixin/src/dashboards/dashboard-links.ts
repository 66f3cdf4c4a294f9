import { DashboardLinkBuilder, DashboardLinkType } from '@grafana/grafana-foundation-sdk/dashboard';
import { DASHBOARD_UIDS, type DashboardUid } from './dashboard-uids.ts';

/** By these tags the dashboards find each other: those of swarms, and that of the pipeline. */
export type DashboardKind = 'swarm' | 'pipeline';

/**
 * Links at the top to the other dashboards. The time goes along, and between dashboards of swarms what is chosen; not
 * between them and the pipeline's, as those have other scrape jobs.
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

/** From a value to the dashboard of its swarm. `from`: what holds the name of the swarm, a label or the cell itself. */
export function linkToSwarm(from: 'label' | 'cell'): DashboardLinkBuilder {
  return drillDown('Swarm', DASHBOARD_UIDS.swarm, { variable: 'swarm_id', from });
}

/** From a value to the dashboard of its phase. */
export function linkToPhase(from: 'label' | 'cell'): DashboardLinkBuilder {
  return drillDown('Phase', DASHBOARD_UIDS.phase, { variable: 'phase', from, keep: ['swarm_id'] });
}

/** From a value to the dashboard of swarms with its coordinator chosen; the swarms stay as they are. */
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
