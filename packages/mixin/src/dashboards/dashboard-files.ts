import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { phaseDashboard } from './blocking-coordination-phase.ts';
import { swarmDashboard } from './blocking-coordination-swarm.ts';
import { blockingCoordinationDashboard } from './blocking-coordination.ts';
import { streamfoldDashboard } from './streamfold.ts';

const DASHBOARDS: readonly ((alertNames: readonly string[]) => Dashboard)[] = [
  blockingCoordinationDashboard,
  swarmDashboard,
  phaseDashboard,
  streamfoldDashboard,
];

/** The Grafana dashboards as JSON for provisioning: path and text of each. They mark when these alerts fire. */
export function dashboardFiles(alertNames: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    DASHBOARDS.map((create) => create(alertNames)).map((dashboard) => [
      `dashboards/${dashboard.uid ?? ''}.json`,
      `${JSON.stringify(dashboard, atTheTop, 2)}\n`,
    ]),
  );
}

/** The builders hide links and annotations in a menu; show them at the top instead. */
function atTheTop(key: string, value: unknown): unknown {
  return key === 'placement' && value === 'inControlsMenu' ? undefined : value;
}
